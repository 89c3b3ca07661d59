"""Records of consent as others exchange them: rows of a table, and ISO/IEC TS 27560:2023 as JSON-LD with DPV terms."""
