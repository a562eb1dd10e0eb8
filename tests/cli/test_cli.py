"""The command line as a whole: help is quick, and a mistake is one line on stderr with status 2."""

import argparse
import os
import re
import shlex
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest
from photo_folders import photo_folder

from lessons_lib.cli import main
from lessons_lib.cli.arguments import aligned, at_least, check_names, make_method, method_named, pairs, value_of
from lessons_lib.cli.main import COMMANDS, is_expected, make_parser, said


def failing(monkeypatch, error):
    """`lessons cache` raises `error`."""

    def run(args):
        raise error

    monkeypatch.setattr(COMMANDS["cache"], "run", run)


def test_help_names_every_command(capsys):
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(re.search(rf"^    {name} ", said, re.M) for name in COMMANDS)


def test_without_a_command_help_is_shown(capsys):
    assert main([]) == 0
    assert "usage: lessons" in capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_examples(command, capsys):
    assert main([command, "--help"]) == 0
    said = capsys.readouterr().out
    assert f"lessons {command}" in said.partition("examples:")[2]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_examples_in_the_help_can_be_parsed(command, capsys):
    examples = COMMANDS[command].EXAMPLES.partition("examples:")[2].splitlines()
    lines = [line.split("   ")[0] for line in (text.strip() for text in examples) if line.startswith("lessons ")]
    assert lines
    for line in lines:
        make_parser().parse_args(shlex.split(line)[1:])


@pytest.mark.parametrize("page", ["README.md", "docs/command_line.md"])
def test_the_commands_that_the_pages_show_can_be_parsed(page):
    text = (Path(__file__).parents[2] / page).read_text().replace("\\\n", " ")
    lines = re.findall(r"^(?:\$ )?lessons ([^#\n]+)", text, re.M)
    assert {line.split()[0] for line in lines} >= {"doctor", "fit", "eval", "bench"}
    for line in lines:
        make_parser().parse_args(shlex.split(line))


def test_help_does_not_import_torch():
    code = "import sys; from lessons_lib.cli import main; main(['--help']); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"


def computing(*arguments: str) -> float:
    """The processor's seconds for such a run of Python: the least of three, since others are at work, too."""
    import resource

    def once() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before

    return min(once() for _ in range(3))


def test_help_costs_little_more_than_starting_python():
    """What any command-line program imports is the measure: a slow or a busy machine is so for both."""
    usual = computing("-c", "import argparse, email.message, importlib.metadata, inspect, json, pathlib, typing")
    asked = ["-m", "lessons_lib.cli", "fit", "--help"]
    assert "METHOD" in subprocess.run([sys.executable, *asked], capture_output=True, text=True, check=True).stdout
    assert computing(*asked) < 4 * usual


def test_a_mistake_in_a_process_of_its_own_is_one_line_and_status_2(tmp_path):
    missing = tmp_path / "no such.yaml"
    words = [
        sys.executable,
        "-m",
        "lessons_lib.cli",
        "fit",
        "CoOp",
        "toy_pets",
        "--set",
        "n_ctx",
        "--out",
        str(missing),
    ]
    done = subprocess.run(words, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "lessons fit: --set n_ctx: write name=value, such as n_ctx=4\n"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (["dctor"], "lessons: there is no command 'dctor'. Did you mean 'doctor'?"),
        (["fit", "CoOp"], "lessons fit: the following arguments are required: TASK"),
        (["fit", "CoOp", "toy_pets", "--epoch", "3"], "it does not take '--epoch'. Did you mean '--epochs'"),
        (["fit", "CoOp", "toy_pets", "--shots", "0"], "'0': give a whole number, at least 1"),
        (["eval", "x", "toy_pets", "--classes", "nwe"], "'nwe' is not known. Did you mean 'new'?"),
        (["cache", "--older-than", "30"], "'30': give a number with s, m, h, d or w"),
    ],
)  # fmt: skip
def test_what_the_parser_does_not_understand(line, says, capsys):
    assert main(line) == 2
    out, err = capsys.readouterr()
    assert out == "" and says in err and err.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ValueError("n_ctx=0: give at least 1"), "n_ctx=0: give at least 1"),
        (FileNotFoundError("there is no folder"), "there is no folder"),
        (PermissionError(13, "Permission denied", "/x"), "Permission denied: '/x'"),
        (FloatingPointError("the loss is nan"), "the loss is nan"),
        (ImportError("install ray"), "install ray"),
        (MemoryError(), "MemoryError"),
    ],
)
def test_what_the_library_says_is_shown_without_a_traceback(error, says, monkeypatch, capsys):
    failing(monkeypatch, error)
    assert main(["cache"]) == 2
    assert capsys.readouterr().err == f"lessons cache: {says}\n"


def test_the_traceback_is_shown_on_request(monkeypatch, capsys):
    failing(monkeypatch, ValueError("no"))
    assert main(["cache", "--traceback"]) == 2
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_a_defect_is_one_sentence_too_which_says_that_it_is_ours(monkeypatch, capsys):
    failing(monkeypatch, RuntimeError("odd"))
    assert main(["cache"]) == 2
    assert capsys.readouterr().err == (
        "lessons cache: RuntimeError: odd. This is a fault of lessons_lib: --traceback shows where, to report it\n"
    )


@pytest.mark.parametrize("encoding", ["cp1252", "gbk", "ascii"])
def test_a_console_that_lacks_letters_shows_others_and_nothing_fails(encoding):
    letters = "m.said = lambda error: 'é → ✓ 中'"
    code = f"import importlib, sys; m = importlib.import_module('lessons_lib.cli.main'); {letters}"
    code += "; sys.exit(m.main(['eval', 'none', 'x']))"
    found = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=found)
    assert done.returncode == 2 and done.stderr.decode(encoding).startswith("lessons eval: ") and b"?" in done.stderr


def test_a_fit_is_kept_before_anything_is_said(monkeypatch, tmp_path, capsys):
    from lessons_lib.cli import fit

    def breaks(*_):
        raise OSError("the console is gone")

    monkeypatch.setattr(fit, "summary", breaks)
    folder = photo_folder(tmp_path / "photos", {"cat": 4, "dog": 4})
    out = tmp_path / "kept.safetensors"
    assert main(["fit", "ZeroShot", str(folder), "--shots", "1", "--out", str(out)]) == 2
    assert out.is_file() and "the console is gone" in capsys.readouterr().err


def test_memory_that_a_gpu_lacks_is_no_defect():
    import torch

    assert is_expected(torch.OutOfMemoryError("CUDA out of memory")) and not is_expected(RuntimeError("other"))
    assert said(ValueError("x")) == "x"


def test_being_stopped_is_said(monkeypatch, capsys):
    failing(monkeypatch, KeyboardInterrupt())
    assert main(["cache"]) == 130
    assert "stopped" in capsys.readouterr().err


def test_a_reader_who_has_had_enough_is_no_error():
    code = "from lessons_lib.cli import main; import sys; sys.exit(main(['cache', '--help']))"
    command = f"{shlex.quote(sys.executable)} -c {shlex.quote(code)} | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert done.stdout.startswith("usage") and done.stderr == ""


def test_warnings_are_one_line(monkeypatch, capsys):
    def run(args):
        warnings.warn("left out 2 of 9 images", stacklevel=1)
        return 0

    monkeypatch.setattr(COMMANDS["cache"], "run", run)
    assert main(["cache"]) == 0
    assert capsys.readouterr().err == "warning: left out 2 of 9 images\n"


def test_the_entry_point_is_the_parser_of_this_package():
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    module, name = re.search(r'^lessons = "([\w.]+):(\w+)"$', project, re.M).groups()
    assert getattr(sys.modules[module], name) is main


# --- what the subcommands share


@pytest.mark.parametrize(
    ("text", "value"),
    [("4", 4), ("0.5", 0.5), ("true", True), ("False", False), ("none", None), ("end", "end"), ("[1, 2]", [1, 2]),
     ("a photo of a", "a photo of a"), ("1e-3", 0.001), ("", "")],
)  # fmt: skip
def test_values_read_as_what_they_look_like(text, value):
    assert value_of(text) == value and type(value_of(text)) is type(value)


def test_a_value_may_hold_an_equals_sign():
    assert pairs(["ctx_init=a=b", "n_ctx=4"]) == {"ctx_init": "a=b", "n_ctx": 4}


@pytest.mark.parametrize("given", [["n_ctx"], ["=4"], ["n ctx=4"], ["n_ctx=1", "n_ctx=2"]])
def test_what_is_no_setting_is_refused(given):
    with pytest.raises(ValueError, match="--set"):
        pairs(given)


@pytest.mark.parametrize("name", ["CLIPAdapter", "clip-adapter", "CLIP Adapter", "clip_adapter"])
def test_methods_are_found_however_they_are_written(name):
    assert method_named(name).__name__ == "CLIPAdapter"


def test_an_unknown_method_gets_the_nearest():
    with pytest.raises(ValueError, match="no method 'MaPle2'. Did you mean 'MaPLe'"):
        method_named("MaPle2")
    with pytest.raises(ValueError, match="The methods are CLIPAdapter, "):
        method_named("qqqqqq")


def test_an_unknown_setting_gets_the_nearest_and_a_wrong_type_is_said(clip):
    with pytest.raises(ValueError, match="CoOp has no setting 'nctx'. Did you mean 'n_ctx'"):
        make_method(method_named("CoOp"), clip, {"nctx": 4})
    with pytest.raises(ValueError, match="n_ctx='many': give at least 1 prompt"):
        make_method(method_named("VPT"), clip, {"n_ctx": "many"})
    assert make_method(method_named("CoOp"), clip, {"n_ctx": 3}).n_ctx == 3


def test_what_a_fit_takes_is_known_through_its_parents():
    assert method_named("ZeroShot").fit_arguments() == {}
    assert method_named("TextProbe").fit_arguments() == method_named("CoOp").fit_arguments()
    assert set(method_named("CLIPAdapter").fit_arguments()) == set(method_named("CoOp").fit_arguments())
    assert "epochs" in method_named("LP++").fit_arguments() and "lr" not in method_named("LP++").fit_arguments()


def test_tables_are_aligned():
    import pandas as pd

    table = pd.DataFrame({"class": ["cat", "tea pot"], "right (%)": [5.0, 100.0], "taken for": ["", "dog"]})
    assert aligned(table).splitlines() == [
        "class    right (%)  taken for", "cat            5.0", "tea pot      100.0  dog"
    ]  # fmt: skip


def test_names_are_checked_in_order():
    check_names(["a"], ["a", "b"], "no")
    with pytest.raises(ValueError, match="no 'zzz'. It has a, b"):
        check_names(["zzz"], ["a", "b"], "no")


def test_whole_numbers():
    assert at_least(0)("0") == 0
    for text in ("-1", "1.5", "x", "--1"):
        with pytest.raises(argparse.ArgumentTypeError):
            at_least(0)(text)


def test_the_time_of_a_run_is_not_spent_on_help():
    start = time.process_time()
    make_parser()
    assert time.process_time() - start < 0.3
