package main

// objects lists the columns and unique indexes, and what could change, hide or
// lose what is written: a trigger, a rule, a relation that is no ordinary table or
// that a crash empties, a policy for rows, and a table whose rows appear in ours. A
// unique index that is not valid, or that looks only at COMMIT, does not count.
// The text of an index may have quotes, as quote_all_identifiers says.
const objects = `WITH t AS MATERIALIZED (SELECT oid, relname, relkind, relpersistence, relrowsecurity FROM pg_class
		WHERE relname LIKE 'codex\_%' AND relkind IN ('r', 'p', 'v', 'm', 'f') AND pg_table_is_visible(oid))
	SELECT '', 'trigger ' || tgname || ' on ' || relname FROM pg_trigger JOIN t ON t.oid = tgrelid WHERE NOT tgisinternal
	UNION ALL SELECT '', CASE relkind WHEN 'f' THEN 'foreign table' ELSE 'view' END || ' in the place of ' || relname FROM t WHERE relkind IN ('v', 'm', 'f')
	UNION ALL SELECT '', 'rule ' || rulename || ' on ' || relname FROM pg_rewrite JOIN t ON t.oid = ev_class WHERE relkind NOT IN ('v', 'm')
	UNION ALL SELECT '', CASE relpersistence WHEN 't' THEN 'temporary' ELSE 'unlogged' END || ' table in the place of ' || relname FROM t WHERE relkind = 'r' AND relpersistence <> 'p'
	UNION ALL SELECT '', 'policy for rows on ' || relname FROM t WHERE relrowsecurity
	UNION ALL SELECT '', 'table ' || inhrelid::regclass || ' that inherits from ' || inhparent::regclass FROM pg_inherits JOIN t ON t.oid IN (inhrelid, inhparent) WHERE relkind IN ('r', 'p')
	UNION ALL SELECT 'column ' || relname || '.' || attname, concat_ws(' ', format_type(atttypid, atttypmod),
			(SELECT 'COLLATE ' || collname FROM pg_collation c WHERE c.oid = attcollation),
			CASE WHEN attnotnull THEN 'NOT NULL' END, CASE WHEN attgenerated <> '' THEN 'GENERATED' END)
		FROM pg_attribute JOIN t ON t.oid = attrelid WHERE attnum > 0 AND NOT attisdropped
	UNION ALL SELECT 'unique index of ' || relname, replace(substring(pg_get_indexdef(indexrelid) FROM ' USING (.*)'), '"', '')
		FROM pg_index JOIN t ON t.oid = indrelid WHERE indisunique AND indisvalid AND indimmediate`
