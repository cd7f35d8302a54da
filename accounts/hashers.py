from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2Hasher(Argon2PasswordHasher):
    """Argon2id with OWASP's smaller parameter set: 19 MiB, two passes, one lane.

    Django's default takes 100 MiB and eight lanes for each sign-in, and a whole class signs in at once.
    """

    memory_cost = 19 * 1024
    time_cost = 2
    parallelism = 1
