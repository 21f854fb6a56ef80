"""A seeded simulation of the lanes' shell on a small model of Kafka, in virtual time."""
