"""Two small pictures to an explained verdict."""
