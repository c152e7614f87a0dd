"""What a report looks like: in the terminal, as HTML, as JUnit XML, beside an older one."""
