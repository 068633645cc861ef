"""Export: writes frames of the store to files of other programs, each of which is replaced as a whole."""
