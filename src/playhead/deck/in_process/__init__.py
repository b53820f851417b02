"""Tapes for the SDKs of others, in the same process, a file for each library that they stand on."""
