"""What may be published about units that were promised secrecy: numbers are judged, not words."""

from workbook.publish.secrecy.exhibit import Exhibit, SecrecyClass
from workbook.publish.secrecy.releases import Release
from workbook.publish.secrecy.rules import Rules, SecrecyError
from workbook.publish.secrecy.verdicts import Verdict, audit_said, left_out, release_of, verdicts
from workbook.publish.secrecy.words import MARK, Finding, Suggestion, rules_said

__all__ = [
    "MARK",
    "Exhibit",
    "Finding",
    "Release",
    "Rules",
    "SecrecyClass",
    "SecrecyError",
    "Suggestion",
    "Verdict",
    "audit_said",
    "left_out",
    "release_of",
    "rules_said",
    "verdicts",
]
