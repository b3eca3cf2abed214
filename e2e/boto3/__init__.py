"""Proof of the emulator's wire with a client nobody here wrote.

Run from the root of the repository against a running emulator (docs/moto.md: against moto):

    EMULATOR_URL=http://127.0.0.1:4566 python -m unittest discover -s e2e/boto3

(Not from e2e/: there this folder would hide the library of the same name.)
"""
