//! Where a night stands: one scan of the tree, histories and jobs.
