"""Grading what a student handed in, so that a pass means something and one notebook harms no other.

The student's cells run in a process of their own (`kernel`), which may read neither the gradebook nor the others' work
where the system can forbid it (`locked`). A check never runs there. It runs in the grader's process, with a stand-in
for each of the student's functions (`answers`): a call of it goes to the student's process and brings back plain values
(`values`). Whatever a cell did to the checks, to torch or to Python itself changes nothing but what the student's own
functions return.

`lesson` says what a check needs besides the answers; `draws` makes a check's cases anew; `restored` puts back what was
copied or deleted; `preprocessors` is what nbgrader calls.
"""
