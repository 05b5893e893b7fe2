"""What is looked for, where and how strictly."""
