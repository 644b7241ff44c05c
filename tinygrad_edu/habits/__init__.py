"""What people from other libraries type first: each name works here, or says what it is here."""
