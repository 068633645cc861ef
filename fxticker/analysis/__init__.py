"""What stored figures can show and what they cannot: frames in, frames with bands out."""
