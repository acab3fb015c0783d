BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'lgsp_reader') THEN
        CREATE ROLE lgsp_reader LOGIN;
        ALTER ROLE lgsp_reader SET default_transaction_read_only = on;
    END IF;
EXCEPTION
    -- Somebody else made it at the same time.
    WHEN duplicate_object OR unique_violation THEN NULL;
END
