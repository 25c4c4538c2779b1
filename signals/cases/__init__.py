"""The casebook: twelve ways in which evaluation fails a release week, each with its clean twin."""
