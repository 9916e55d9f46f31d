"""The work behind the tasks, without Invoke: `commands/db.py` calls `operations/db.py`."""
