//! The contracts of the hub: generated messages, clients, servers, and the descriptor sets.
