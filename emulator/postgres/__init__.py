"""PostgreSQL for RDS: a server for each DB instance, and a proxy that applies RDS's access rules.

    service.py            the databases of this process's emulator
    database_manager.py   creates, resumes and removes databases, on a separate thread
    event_loop_thread.py  that thread
    database.py           one database: its server and its proxy
    ports.py              the TCP ports of databases
    paths.py              the files of one database
    binaries.py           finds the programs of the bundled or the installed PostgreSQL
    launcher.py           runs a program of PostgreSQL, without root, until the emulator ends
    server.py             one PostgreSQL server: data folder, process, socket
    rds_roles.py          the SQL that creates RDS's roles in a new database
    protocol.py           the messages of PostgreSQL's protocol before the log-in is complete
    certificate.py        the TLS certificate of the databases
    proxy.py              the TCP port of a database: TLS, authentication tokens
    instances.py          RDS's records of DB instances
    validation.py         the errors of RDS for invalid parameters

MiniStack's RDS calls this package in patches/rds/instances.py.
"""

from emulator.postgres.service import close, configure, manager, resume, selected_kind

__all__ = ["close", "configure", "manager", "resume", "selected_kind"]
