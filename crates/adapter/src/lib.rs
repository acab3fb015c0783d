//! What every domain adapter shares: sources, paging, deadlines, and how it is served.
