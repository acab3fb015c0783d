//! Takes entries in, seals, indexes, proves, answers auditors.
