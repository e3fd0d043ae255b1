"""Whether the estimators and alarms do what they promise, on panels whose truth is known.

Modules
-------
modes : what each mode of the synthetic panel breaks, and which alarm it must raise
draw : one panel, every estimator, every alarm
summary : bias, coverage, size, power and alarms over draws
run : draws by several processes, with progress (``python -m evidence.montecarlo``)
"""
