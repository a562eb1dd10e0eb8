"""The tables of a file of runs."""

SCHEMA = """
CREATE TABLE job (
    id INTEGER PRIMARY KEY,
    identity TEXT NOT NULL UNIQUE,          -- digest of all that decides the numbers
    kind TEXT NOT NULL, content TEXT NOT NULL,      -- what it is a digest of, JSON
    state TEXT NOT NULL DEFAULT 'waiting',  -- running, done, failed
    attempts INTEGER NOT NULL DEFAULT 0,
    error TEXT, host TEXT, started REAL, finished REAL,
    n_parameters INTEGER, seconds REAL, peak_mib REAL, versions TEXT, machine TEXT,
    digest TEXT                             -- of the numbers and where they come from
);
CREATE TABLE result (
    job INTEGER NOT NULL REFERENCES job (id), place INTEGER NOT NULL,
    "on" TEXT NOT NULL, metric TEXT NOT NULL, at REAL, value REAL, unit TEXT NOT NULL,
    PRIMARY KEY (job, place)
);
CREATE TABLE plan (id INTEGER PRIMARY KEY, about TEXT NOT NULL UNIQUE, started REAL NOT NULL);
CREATE TABLE asked (
    plan INTEGER NOT NULL REFERENCES plan (id), place INTEGER NOT NULL, job INTEGER NOT NULL REFERENCES job (id),
    columns TEXT NOT NULL, names TEXT NOT NULL,     -- how tables call the run, and what it was measured on, JSON
    digest TEXT,
    PRIMARY KEY (plan, place)
);
CREATE TABLE writer (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    token TEXT NOT NULL, host TEXT NOT NULL, pid INTEGER NOT NULL, born REAL NOT NULL, seen REAL NOT NULL
)"""

LATER = {"job": "digest TEXT", "asked": "digest TEXT"}  # table -> a column that files from before do not have
