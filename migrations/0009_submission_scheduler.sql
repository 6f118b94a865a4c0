-- Where a job was submitted: what another scheduler says proves nothing about it.
ALTER TABLE submissions ADD COLUMN scheduler TEXT;  -- 'slurm' or 'local'; NULL: not known
ALTER TABLE submissions ADD COLUMN cluster TEXT;    -- Slurm's ClusterName; NULL: not known
-- Since when somebody lets its night be processed by another scheduler.
ALTER TABLE submissions ADD COLUMN released INTEGER;

-- Earlier versions did not write it down, but what ran here is still in the local queue.
UPDATE submissions SET scheduler = 'local' WHERE token IN (SELECT comment FROM local_jobs);
UPDATE submissions SET scheduler = 'slurm' WHERE scheduler IS NULL AND job_id IS NOT NULL;
