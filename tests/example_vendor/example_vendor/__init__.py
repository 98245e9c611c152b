"""ExampleSMS: a vendor that nobody runs, with everything that is hard about real ones."""
