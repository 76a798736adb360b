-- The database that tools.py builds from this file and the CSV files beside it. Times are UTC, to the minute.

CREATE TABLE services (
    name TEXT PRIMARY KEY,
    team TEXT NOT NULL,
    tier INTEGER NOT NULL,         -- 1: no boat sails without it
    language TEXT NOT NULL,
    on_call TEXT NOT NULL
);

CREATE TABLE deploys (
    id TEXT PRIMARY KEY,           -- incident notes name the one that did it
    service TEXT NOT NULL REFERENCES services (name),
    version TEXT NOT NULL,
    author TEXT NOT NULL,
    summary TEXT NOT NULL,
    lines_changed INTEGER NOT NULL,
    deployed_at TEXT NOT NULL,
    rolled_back_at TEXT
);

CREATE TABLE tickets (
    id TEXT PRIMARY KEY,
    service TEXT NOT NULL REFERENCES services (name),
    priority TEXT NOT NULL CHECK (priority IN ('low', 'normal', 'high')),
    channel TEXT NOT NULL CHECK (channel IN ('web', 'phone', 'e-mail')),
    subject TEXT NOT NULL,
    opened_at TEXT NOT NULL,
    closed_at TEXT
);

CREATE INDEX tickets_by_service ON tickets (service, opened_at);
