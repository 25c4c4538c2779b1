SELECT
  "t19"."bad",
  "t19"."v",
  "t19"."w",
  "t19"."s0",
  "t19"."day",
  COUNT(*) AS "units",
  SUM("t19"."rows") AS "rows",
  SUM("t19"."low_rows") AS "low_rows",
  AVG("t19"."y") AS "mean",
  VAR_POP("t19"."y") AS "variance",
  MIN("t19"."y") AS "least",
  MAX("t19"."y") AS "most",
  BOOL_AND((
    "t19"."y" = 0
  ) OR (
    "t19"."y" = 1
  )) AS "zero_one",
  SUM("t19"."y" * "t19"."y" * "t19"."y") AS "cubes",
  SUM("t19"."lost_y") AS "lost_y",
  SUM("t19"."lost_x") AS "lost_x",
  AVG("t19"."x") AS "x_mean",
  VAR_POP("t19"."x") AS "x_variance",
  AVG("t19"."d") AS "d_mean",
  VAR_POP("t19"."d") AS "d_variance",
  COVAR_POP("t19"."x", "t19"."y") AS "xy",
  COVAR_POP("t19"."y", "t19"."d") AS "yd",
  COVAR_POP("t19"."x", "t19"."d") AS "xd"
FROM (
  SELECT
    "t18"."k",
    "t18"."u",
    "t18"."rows",
    "t18"."v",
    CASE WHEN "t18"."bad" < 0 THEN "t18"."w" ELSE NULL END AS "w",
    "t18"."low_rows",
    "t18"."t",
    CASE WHEN "t18"."bad" = 0 THEN "t18"."s0" ELSE NULL END AS "s0",
    CASE WHEN "t18"."bad" = 0 THEN "t18"."y" ELSE NULL END AS "y",
    "t18"."lost_y",
    CASE WHEN "t18"."bad" = 0 THEN "t18"."x" ELSE NULL END AS "x",
    "t18"."lost_x",
    CASE WHEN "t18"."bad" = 0 THEN "t18"."d" ELSE NULL END AS "d",
    "t18"."bad",
    CASE WHEN "t18"."bad" = 0 THEN DATE("t18"."t") ELSE NULL END AS "day"
  FROM (
    SELECT
      "t17"."k",
      "t17"."u",
      "t17"."rows",
      "t17"."v",
      "t17"."w",
      "t17"."low_rows",
      "t17"."t",
      "t17"."s0",
      "t17"."y",
      "t17"."lost_y",
      "t17"."x",
      "t17"."lost_x",
      "t17"."d",
      CASE
        WHEN CAST(0 AS SMALLINT) IN (0)
        AND (
          "t17"."t" >= CAST('2026-03-08T00:00:00' AS TIMESTAMP)
        )
        THEN -2
        WHEN (
          CAST(0 AS SMALLINT) = 0
        ) AND (
          "t17"."v" <> "t17"."w"
        )
        THEN -1
        ELSE CAST(0 AS SMALLINT)
      END AS "bad"
    FROM (
      SELECT
        "t16"."k",
        "t16"."u",
        MIN("t16"."rows") AS "rows",
        MIN("t16"."v") AS "v",
        MIN("t16"."w") AS "w",
        MIN("t16"."low_rows") AS "low_rows",
        MIN("t16"."t") AS "t",
        MIN("t16"."s0") AS "s0",
        MIN("t16"."y") AS "y",
        MIN("t16"."lost_y") AS "lost_y",
        MIN("t16"."x") AS "x",
        MIN("t16"."lost_x") AS "lost_x",
        CAST(COUNT("t16"."fu") FILTER(WHERE
          (
            "t16"."ft" >= "t16"."t"
          )
          AND (
            "t16"."ft" < (
              "t16"."t" + INTERVAL '604800 SECOND'
            )
          )) AS DOUBLE PRECISION) AS "d"
      FROM (
        SELECT
          "t15"."k",
          "t15"."u",
          "t15"."rows",
          "t15"."v",
          "t15"."w",
          "t15"."low_rows",
          "t15"."t",
          "t15"."s0",
          "t15"."y",
          "t15"."lost_y",
          "t15"."x",
          "t15"."lost_x",
          "t15"."bad",
          "t3"."fu",
          "t3"."ft"
        FROM (
          SELECT
            "t13"."k",
            "t13"."u",
            "t13"."rows",
            "t13"."v",
            "t13"."w",
            "t13"."low_rows",
            "t13"."t",
            "t13"."s0",
            "t13"."y",
            "t13"."lost_y",
            "t13"."x",
            "t13"."lost_x",
            CAST(0 AS SMALLINT) AS "bad"
          FROM (
            SELECT
              "t12"."k",
              "t12"."u",
              MIN("t12"."rows") AS "rows",
              MIN("t12"."v") AS "v",
              MIN("t12"."w") AS "w",
              MIN("t12"."low_rows") AS "low_rows",
              MIN("t12"."t") AS "t",
              MIN("t12"."s0") AS "s0",
              COALESCE(
                SUM("t12"."fy") FILTER(WHERE
                  (
                    "t12"."ft" >= "t12"."t"
                  )
                  AND (
                    "t12"."ft" < (
                      "t12"."t" + INTERVAL '604800 SECOND'
                    )
                  )
                  AND NOT (
                    "t12"."no_y"
                  )),
                0.0
              ) AS "y",
              COUNT("t12"."fu") FILTER(WHERE
                (
                  "t12"."ft" >= "t12"."t"
                )
                AND (
                  "t12"."ft" < (
                    "t12"."t" + INTERVAL '604800 SECOND'
                  )
                )
                AND "t12"."no_y") AS "lost_y",
              COALESCE(
                SUM("t12"."fx") FILTER(WHERE
                  (
                    "t12"."ft" < "t12"."t"
                  )
                  AND (
                    "t12"."ft" >= (
                      "t12"."t" - INTERVAL '1209600 SECOND'
                    )
                  )
                  AND NOT (
                    "t12"."no_x"
                  )),
                0.0
              ) AS "x",
              COUNT("t12"."fu") FILTER(WHERE
                (
                  "t12"."ft" < "t12"."t"
                )
                AND (
                  "t12"."ft" >= (
                    "t12"."t" - INTERVAL '1209600 SECOND'
                  )
                )
                AND "t12"."no_x") AS "lost_x"
            FROM (
              SELECT
                "t11"."k",
                "t11"."u",
                "t11"."rows",
                "t11"."v",
                "t11"."w",
                "t11"."low_rows",
                "t11"."t",
                "t11"."s0",
                "t11"."bad",
                "t5"."fu",
                "t5"."ft",
                "t5"."fy",
                "t5"."no_y",
                "t5"."fx",
                "t5"."no_x"
              FROM (
                SELECT
                  "t9"."k",
                  "t9"."u",
                  "t9"."rows",
                  "t9"."v",
                  "t9"."w",
                  "t9"."low_rows",
                  "t9"."t",
                  "t9"."s0",
                  CAST(0 AS SMALLINT) AS "bad"
                FROM (
                  SELECT
                    "t8"."k",
                    "t8"."u",
                    COUNT(*) AS "rows",
                    MIN("t8"."v") AS "v",
                    MAX("t8"."v") AS "w",
                    SUM(CASE WHEN (
                      "t8"."v" % 100000
                    ) = 0 THEN 1 ELSE 0 END) AS "low_rows",
                    MIN("t8"."t") AS "t",
                    (
                      ARRAY_AGG(
                        "t8"."s0" ORDER BY ROW(CAST("t8"."t" AS TIMESTAMP), CAST("t8"."s0" AS VARCHAR)) ASC
                      ) FILTER(WHERE
                        ROW(CAST("t8"."t" AS TIMESTAMP), CAST("t8"."s0" AS VARCHAR)) IS NOT NULL)
                    )[1] AS "s0"
                  FROM (
                    SELECT
                      "t7"."u",
                      "t7"."v",
                      "t7"."t",
                      "t7"."s0",
                      "t7"."bad",
                      CAST(CAST(FLOOR(CAST((
                        "t7"."v"
                      ) AS DOUBLE PRECISION) / (
                        100000
                      )) AS BIGINT) AS INT) AS "k"
                    FROM (
                      SELECT
                        "t6"."u",
                        CASE
                          WHEN "t6"."v" = 'candidate'
                          THEN 0
                          WHEN "t6"."v" = 'control'
                          THEN 1
                          WHEN "t6"."v" = 'B'
                          THEN 100000
                          WHEN "t6"."v" = 'x'
                          THEN 200000
                          ELSE CAST(NULL AS INT)
                        END AS "v",
                        "t6"."t",
                        "t6"."s0",
                        "t6"."bad"
                      FROM (
                        SELECT
                          "t1"."user_id" AS "u",
                          CASE
                            WHEN NULLIF("t1"."variation", '') = 'B'
                            THEN 'candidate'
                            ELSE NULLIF("t1"."variation", '')
                          END AS "v",
                          CAST("t1"."ts" AS TIMESTAMP) AS "t",
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
                            WHEN CAST("t1"."ts" AS TIMESTAMP) IS NULL
                            THEN 3
                            WHEN (
                              CAST("t1"."ts" AS TIMESTAMP) < CAST('1970-01-01T00:00:00' AS TIMESTAMP)
                            )
                            OR (
                              CAST("t1"."ts" AS TIMESTAMP) >= CAST('2200-01-01T00:00:00' AS TIMESTAMP)
                            )
                            THEN 4
                            ELSE 0
                          END AS SMALLINT) AS "bad"
                        FROM "exposures" AS "t1"
                      ) AS "t6"
                    ) AS "t7"
                    WHERE
                      "t7"."bad" = 0
                  ) AS "t8"
                  GROUP BY
                    1,
                    2
                ) AS "t9"
              ) AS "t11"
              LEFT OUTER JOIN (
                SELECT
                  "t0"."user_id" AS "fu",
                  CAST("t0"."ts" AS TIMESTAMP) AS "ft",
                  "t0"."amount" AS "fy",
                  (
                    "t0"."amount" IS NULL
                  )
                  OR COALESCE(
                    (
                      "t0"."amount" = CAST('NaN' AS DOUBLE PRECISION)
                    )
                    OR "t0"."amount" IN (CAST('Inf' AS DOUBLE PRECISION), -CAST('Inf' AS DOUBLE PRECISION))
                    OR (
                      ABS("t0"."amount") > 1.7976931348623157e+308
                    ),
                    FALSE
                  ) AS "no_y",
                  "t0"."amount" AS "fx",
                  (
                    "t0"."amount" IS NULL
                  )
                  OR COALESCE(
                    (
                      "t0"."amount" = CAST('NaN' AS DOUBLE PRECISION)
                    )
                    OR "t0"."amount" IN (CAST('Inf' AS DOUBLE PRECISION), -CAST('Inf' AS DOUBLE PRECISION))
                    OR (
                      ABS("t0"."amount") > 1.7976931348623157e+308
                    ),
                    FALSE
                  ) AS "no_x"
                FROM "orders" AS "t0"
                WHERE
                  (
                    "t0"."event" = 'paid'
                  ) OR (
                    "t0"."event" = 'renewed'
                  )
              ) AS "t5"
                ON "t11"."u" = "t5"."fu"
                AND "t5"."ft" >= (
                  "t11"."t" - INTERVAL '1209600 SECOND'
                )
                AND "t5"."ft" < (
                  "t11"."t" + INTERVAL '604800 SECOND'
                )
            ) AS "t12"
            GROUP BY
              1,
              2
          ) AS "t13"
        ) AS "t15"
        LEFT OUTER JOIN (
          SELECT
            "t0"."user_id" AS "fu",
            CAST("t0"."ts" AS TIMESTAMP) AS "ft"
          FROM "orders" AS "t0"
        ) AS "t3"
          ON "t15"."u" = "t3"."fu"
          AND "t3"."ft" >= "t15"."t"
          AND "t3"."ft" < (
            "t15"."t" + INTERVAL '604800 SECOND'
          )
      ) AS "t16"
      GROUP BY
        1,
        2
    ) AS "t17"
  ) AS "t18"
) AS "t19"
GROUP BY
  1,
  2,
  3,
  4,
  5
