-- The log of actions takes the name of its kind, and a decision that a run is not processed is called
-- an exclusion.
ALTER TABLE logbook RENAME TO audit_log;
ALTER TABLE audit_log RENAME COLUMN well TO success;
DROP INDEX logbook_by_night;
CREATE INDEX audit_log_by_night ON audit_log (date, prod_id);

UPDATE decisions SET decision = json_set(decision, '$.decision', 'exclude')
WHERE json_extract(decision, '$.decision') = 'discard';

-- Plans of remedies name the remedy by its own key.
UPDATE audit_log
SET plan = json_remove(
    json_set(plan, '$.request.remedy',
             replace(json_extract(plan, '$.request.action'), 'discard_run', 'exclude_run')),
    '$.request.action')
WHERE json_extract(plan, '$.request.action') IS NOT NULL;
UPDATE audit_log SET plan = replace(plan, '"decision":"discard"', '"decision":"exclude"')
WHERE plan LIKE '%"decision":"discard"%';
