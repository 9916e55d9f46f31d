DROP TABLE write_rates;
