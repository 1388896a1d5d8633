"""The figures and tables of the course, each one function, used by notebooks and slides alike."""
