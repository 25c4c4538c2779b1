SELECT
  "t20"."bad",
  "t20"."v",
  "t20"."w",
  "t20"."s0",
  "t20"."day",
  COUNT(*) AS "units",
  SUM("t20"."rows") AS "rows",
  SUM("t20"."low_rows") AS "low_rows",
  AVG("t20"."y") AS "mean",
  VAR_POP("t20"."y") AS "variance",
  MIN("t20"."y") AS "least",
  MAX("t20"."y") AS "most",
  BOOL_AND(CAST((
    "t20"."y" = 0
  ) OR (
    "t20"."y" = 1
  ) AS BOOLEAN)) AS "zero_one",
  SUM("t20"."y" * "t20"."y" * "t20"."y") AS "cubes",
  SUM("t20"."lost_y") AS "lost_y",
  SUM("t20"."lost_x") AS "lost_x",
  AVG("t20"."x") AS "x_mean",
  VAR_POP("t20"."x") AS "x_variance",
  AVG("t20"."d") AS "d_mean",
  VAR_POP("t20"."d") AS "d_variance",
  COVAR_POP("t20"."x", "t20"."y") AS "xy",
  COVAR_POP("t20"."y", "t20"."d") AS "yd",
  COVAR_POP("t20"."x", "t20"."d") AS "xd"
FROM (
  SELECT
    "t19"."k",
    "t19"."u",
    "t19"."rows",
    "t19"."v",
    CASE WHEN "t19"."bad" < 0 THEN "t19"."w" ELSE NULL END AS "w",
    "t19"."low_rows",
    "t19"."t",
    CASE WHEN "t19"."bad" = 0 THEN "t19"."s0" ELSE NULL END AS "s0",
    CASE WHEN "t19"."bad" = 0 THEN "t19"."y" ELSE NULL END AS "y",
    "t19"."lost_y",
    CASE WHEN "t19"."bad" = 0 THEN "t19"."x" ELSE NULL END AS "x",
    "t19"."lost_x",
    CASE WHEN "t19"."bad" = 0 THEN "t19"."d" ELSE NULL END AS "d",
    "t19"."bad",
    CASE WHEN "t19"."bad" = 0 THEN CAST("t19"."t" AS DATE) ELSE NULL END AS "day"
  FROM (
    SELECT
      "t18"."k",
      "t18"."u",
      "t18"."rows",
      "t18"."v",
      "t18"."w",
      "t18"."low_rows",
      "t18"."t",
      "t18"."s0",
      "t18"."y",
      "t18"."lost_y",
      "t18"."x",
      "t18"."lost_x",
      "t18"."d",
      CASE
        WHEN CAST(0 AS SMALLINT) IN (0)
        AND (
          "t18"."t" >= MAKE_TIMESTAMP(2026, 3, 8, 0, 0, 0.0)
        )
        THEN -2
        WHEN (
          CAST(0 AS SMALLINT) = 0
        ) AND (
          "t18"."v" <> "t18"."w"
        )
        THEN -1
        ELSE CAST(0 AS SMALLINT)
      END AS "bad"
    FROM (
      SELECT
        "t17"."k",
        "t17"."u",
        MIN("t17"."rows") AS "rows",
        MIN("t17"."v") AS "v",
        MIN("t17"."w") AS "w",
        MIN("t17"."low_rows") AS "low_rows",
        MIN("t17"."t") AS "t",
        MIN("t17"."s0") AS "s0",
        MIN("t17"."y") AS "y",
        MIN("t17"."lost_y") AS "lost_y",
        MIN("t17"."x") AS "x",
        MIN("t17"."lost_x") AS "lost_x",
        CAST(COUNT("t17"."fu") FILTER(WHERE
          (
            "t17"."ft" >= "t17"."t"
          )
          AND (
            "t17"."ft" < (
              "t17"."t" + INTERVAL '604800' SECOND
            )
          )) AS DOUBLE) AS "d"
      FROM (
        SELECT
          "t16"."k",
          "t16"."u",
          "t16"."rows",
          "t16"."v",
          "t16"."w",
          "t16"."low_rows",
          "t16"."t",
          "t16"."s0",
          "t16"."y",
          "t16"."lost_y",
          "t16"."x",
          "t16"."lost_x",
          "t16"."bad",
          "t4"."fu",
          "t4"."ft"
        FROM (
          SELECT
            "t14"."k",
            "t14"."u",
            "t14"."rows",
            "t14"."v",
            "t14"."w",
            "t14"."low_rows",
            "t14"."t",
            "t14"."s0",
            "t14"."y",
            "t14"."lost_y",
            "t14"."x",
            "t14"."lost_x",
            CAST(0 AS SMALLINT) AS "bad"
          FROM (
            SELECT
              "t13"."k",
              "t13"."u",
              MIN("t13"."rows") AS "rows",
              MIN("t13"."v") AS "v",
              MIN("t13"."w") AS "w",
              MIN("t13"."low_rows") AS "low_rows",
              MIN("t13"."t") AS "t",
              MIN("t13"."s0") AS "s0",
              COALESCE(
                SUM("t13"."fy") FILTER(WHERE
                  (
                    "t13"."ft" >= "t13"."t"
                  )
                  AND (
                    "t13"."ft" < (
                      "t13"."t" + INTERVAL '604800' SECOND
                    )
                  )
                  AND NOT (
                    "t13"."no_y"
                  )),
                0.0
              ) AS "y",
              COUNT("t13"."fu") FILTER(WHERE
                (
                  "t13"."ft" >= "t13"."t"
                )
                AND (
                  "t13"."ft" < (
                    "t13"."t" + INTERVAL '604800' SECOND
                  )
                )
                AND "t13"."no_y") AS "lost_y",
              COALESCE(
                SUM("t13"."fx") FILTER(WHERE
                  (
                    "t13"."ft" < "t13"."t"
                  )
                  AND (
                    "t13"."ft" >= (
                      "t13"."t" - INTERVAL '1209600' SECOND
                    )
                  )
                  AND NOT (
                    "t13"."no_x"
                  )),
                0.0
              ) AS "x",
              COUNT("t13"."fu") FILTER(WHERE
                (
                  "t13"."ft" < "t13"."t"
                )
                AND (
                  "t13"."ft" >= (
                    "t13"."t" - INTERVAL '1209600' SECOND
                  )
                )
                AND "t13"."no_x") AS "lost_x"
            FROM (
              SELECT
                "t12"."k",
                "t12"."u",
                "t12"."rows",
                "t12"."v",
                "t12"."w",
                "t12"."low_rows",
                "t12"."t",
                "t12"."s0",
                "t12"."bad",
                "t7"."fu",
                "t7"."ft",
                "t7"."fy",
                "t7"."no_y",
                "t7"."fx",
                "t7"."no_x"
              FROM (
                SELECT
                  "t10"."k",
                  "t10"."u",
                  "t10"."rows",
                  "t10"."v",
                  "t10"."w",
                  "t10"."low_rows",
                  "t10"."t",
                  "t10"."s0",
                  CAST(0 AS SMALLINT) AS "bad"
                FROM (
                  SELECT
                    "t9"."k",
                    "t9"."u",
                    COUNT(*) AS "rows",
                    MIN("t9"."v") AS "v",
                    MAX("t9"."v") AS "w",
                    SUM(CASE WHEN (
                      "t9"."v" % 100000
                    ) = 0 THEN 1 ELSE 0 END) AS "low_rows",
                    MIN("t9"."t") AS "t",
                    FIRST("t9"."s0" ORDER BY {'t': "t9"."t", 's0': "t9"."s0"}) AS "s0"
                  FROM (
                    SELECT
                      "t8"."u",
                      "t8"."v",
                      "t8"."t",
                      "t8"."s0",
                      "t8"."bad",
                      CAST(CAST(FLOOR((
                        "t8"."v"
                      ) / (
                        100000
                      )) AS BIGINT) AS INT) AS "k"
                    FROM (
                      SELECT
                        "t5"."u",
                        CASE
                          WHEN "t5"."v" = 'candidate'
                          THEN 0
                          WHEN "t5"."v" = 'control'
                          THEN 1
                          WHEN "t5"."v" = 'B'
                          THEN 100000
                          WHEN "t5"."v" = 'x'
                          THEN 200000
                          ELSE CAST(NULL AS INT)
                        END AS "v",
                        "t5"."t",
                        "t5"."s0",
                        "t5"."bad"
                      FROM (
                        SELECT
                          "t1"."user_id" AS "u",
                          CASE
                            WHEN NULLIF("t1"."variation", '') = 'B'
                            THEN 'candidate'
                            ELSE NULLIF("t1"."variation", '')
                          END AS "v",
                          MAKE_TIMESTAMP(EPOCH_US("t1"."ts")) AS "t",
                          COALESCE(NULLIF("t1"."plan", ''), '(empty)') AS "s0",
                          CAST(CASE
                            WHEN "t1"."user_id" IS NULL
                            THEN 1
                            WHEN CASE
                              WHEN NULLIF("t1"."variation", '') = 'B'
                              THEN 'candidate'
                              ELSE NULLIF("t1"."variation", '')
                            END IS NULL
                            THEN 2
                            WHEN MAKE_TIMESTAMP(EPOCH_US("t1"."ts")) IS NULL
                            THEN 3
                            WHEN (
                              MAKE_TIMESTAMP(EPOCH_US("t1"."ts")) < MAKE_TIMESTAMP(1970, 1, 1, 0, 0, 0.0)
                            )
                            OR (
                              MAKE_TIMESTAMP(EPOCH_US("t1"."ts")) >= MAKE_TIMESTAMP(2200, 1, 1, 0, 0, 0.0)
                            )
                            THEN 4
                            ELSE 0
                          END AS SMALLINT) AS "bad"
                        FROM "exposures" AS "t1"
                      ) AS "t5"
                    ) AS "t8"
                    WHERE
                      "t8"."bad" = 0
                  ) AS "t9"
                  GROUP BY
                    1,
                    2
                ) AS "t10"
              ) AS "t12"
              LEFT OUTER JOIN (
                SELECT
                  "t3"."user_id" AS "fu",
                  MAKE_TIMESTAMP(EPOCH_US("t3"."ts")) AS "ft",
                  "t3"."amount" AS "fy",
                  (
                    "t3"."amount" IS NULL
                  )
                  OR COALESCE(
                    ISNAN("t3"."amount")
                    OR ISINF("t3"."amount")
                    OR (
                      ABS("t3"."amount") > 1.7976931348623157e+308
                    ),
                    FALSE
                  ) AS "no_y",
                  "t3"."amount" AS "fx",
                  (
                    "t3"."amount" IS NULL
                  )
                  OR COALESCE(
                    ISNAN("t3"."amount")
                    OR ISINF("t3"."amount")
                    OR (
                      ABS("t3"."amount") > 1.7976931348623157e+308
                    ),
                    FALSE
                  ) AS "no_x"
                FROM (
                  SELECT
                    *
                  FROM "orders" AS "t0"
                  WHERE
                    (
                      "t0"."event" = 'paid'
                    ) OR (
                      "t0"."event" = 'renewed'
                    )
                ) AS "t3"
              ) AS "t7"
                ON "t12"."u" = "t7"."fu"
                AND "t7"."ft" >= (
                  "t12"."t" - INTERVAL '1209600' SECOND
                )
                AND "t7"."ft" < (
                  "t12"."t" + INTERVAL '604800' SECOND
                )
            ) AS "t13"
            GROUP BY
              1,
              2
          ) AS "t14"
        ) AS "t16"
        LEFT OUTER JOIN (
          SELECT
            "t0"."user_id" AS "fu",
            MAKE_TIMESTAMP(EPOCH_US("t0"."ts")) AS "ft"
          FROM "orders" AS "t0"
        ) AS "t4"
          ON "t16"."u" = "t4"."fu"
          AND "t4"."ft" >= "t16"."t"
          AND "t4"."ft" < (
            "t16"."t" + INTERVAL '604800' SECOND
          )
      ) AS "t17"
      GROUP BY
        1,
        2
    ) AS "t18"
  ) AS "t19"
) AS "t20"
GROUP BY
  1,
  2,
  3,
  4,
  5
