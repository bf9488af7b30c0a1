//! Data sets as they are on disk, found, fetched and checked; label noise, pixel noise, subsets.
