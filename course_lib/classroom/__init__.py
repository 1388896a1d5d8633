"""What a teacher needs: the answers of a class, checked again, and a grade book."""
