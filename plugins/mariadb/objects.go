package main

// objects lists the columns and unique indexes, and what could change, hide or
// lose what is written: triggers, views, and tables of other engines than InnoDB,
// which undo nothing or store nothing. That a column is kept compressed is not
// part of its definition.
const objects = `SELECT '', CONCAT('trigger ', trigger_name, ' on ', event_object_table) FROM information_schema.triggers
		WHERE event_object_schema = DATABASE() AND LEFT(event_object_table, 6) = 'codex_'
	UNION ALL SELECT '', CONCAT(IF(table_type = 'BASE TABLE', CONCAT('table of the engine ', COALESCE(engine, 'NULL')), LOWER(table_type)), ' in the place of ', table_name)
		FROM information_schema.tables WHERE table_schema = DATABASE() AND LEFT(table_name, 6) = 'codex_'
		AND (table_type <> 'BASE TABLE' OR engine <> 'InnoDB')
	UNION ALL SELECT CONCAT('column ', table_name, '.', column_name), CONCAT_WS(' ', SUBSTRING_INDEX(column_type, ' /*', 1), CONCAT('COLLATE ', collation_name),
			IF(is_nullable = 'NO', 'NOT NULL', NULL), IF(extra = '', NULL, extra))
		FROM information_schema.columns WHERE table_schema = DATABASE() AND LEFT(table_name, 6) = 'codex_'
	UNION ALL SELECT CONCAT('unique index of ', table_name), GROUP_CONCAT(column_name, COALESCE(CONCAT('(', sub_part, ')'), '') ORDER BY seq_in_index SEPARATOR ', ')
		FROM information_schema.statistics WHERE table_schema = DATABASE() AND LEFT(table_name, 6) = 'codex_' AND non_unique = 0
		GROUP BY table_name, index_name`
