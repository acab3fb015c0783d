//! Applications, data services, agreements and credentials; publishes signed snapshots.
