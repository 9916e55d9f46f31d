-- Reads the table without blocking writes; 0005 already applies the constraint to new rows.
ALTER TABLE activities VALIDATE CONSTRAINT activities_own_reply_check;
