"""The published data sets: a file holds one or several records in `SETS`, and is found by being here."""
