"""Proof of the emulator's wire with a client nobody here wrote.

Run against a running emulator: EMULATOR_URL=http://127.0.0.1:4566 python -m unittest discover -s e2e/boto3 -t e2e
"""
