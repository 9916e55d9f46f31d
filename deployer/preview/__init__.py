"""Predict what reviewed templates change, without an account: the offline plan.

    base, head = read_stacks(files_at_base), read_stacks(files_now)
    changes = preview(base, head)

All functions are pure, except those of `git_objects`, which read the files of a revision.
"""
