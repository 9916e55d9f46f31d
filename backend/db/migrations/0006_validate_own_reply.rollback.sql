SELECT 1; -- A constraint that was validated stays valid.
