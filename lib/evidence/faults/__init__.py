"""What machines do to runs, done on purpose: ``python -m evidence.faults``, ``make faults``.

A try takes a study that was run undisturbed, makes one stage of it due, disturbs the command that does it, and asks:
is nothing half-made taken for done, are all its processes gone and its temporary folders, does the next command
succeed, and are the results those of the undisturbed run to the byte (but for times in the record)?

What is real: signals, memory limits (``prlimit``), a small file system that is filled, files and folders that may not be
changed (``chattr +i``), files removed, changed, cut and flipped, two commands at once, edits. What is put on: a clock
that goes back and a network share that is gone, by a library that is loaded before C's own (``shim.c``); where no file
system can be mounted, a full disk and a read-only one, too. ``places.Place.real`` says which.
"""
