DROP VIEW visible_activities;
