"""What every training loop shares: batches, dropout, optimizer and schedule, precision."""
