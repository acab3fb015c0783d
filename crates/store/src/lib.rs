//! Opens the stores, migrates them, and hides their difference.
