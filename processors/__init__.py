"""What happens: definitions, state, decisions, the runtime that hosts them, and their shell."""
