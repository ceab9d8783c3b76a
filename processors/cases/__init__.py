"""Tests of definitions: what marketers expect of them, held against the engine in virtual time."""
