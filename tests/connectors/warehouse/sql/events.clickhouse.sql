SELECT
  "t19"."bad" AS "bad",
  "t19"."v" AS "v",
  "t19"."w" AS "w",
  "t19"."s0" AS "s0",
  "t19"."day" AS "day",
  COUNT(*) AS "units",
  SUM("t19"."rows") AS "rows",
  SUM("t19"."low_rows") AS "low_rows",
  AVG("t19"."y") AS "mean",
  varPop("t19"."y") AS "variance",
  MIN("t19"."y") AS "least",
  MAX("t19"."y") AS "most",
  MIN((
    "t19"."y" = 0
  ) OR (
    "t19"."y" = 1
  )) AS "zero_one",
  SUM("t19"."y" * "t19"."y" * "t19"."y") AS "cubes",
  SUM("t19"."lost_y") AS "lost_y",
  SUM("t19"."lost_x") AS "lost_x",
  AVG("t19"."x") AS "x_mean",
  varPop("t19"."x") AS "x_variance",
  AVG("t19"."d") AS "d_mean",
  varPop("t19"."d") AS "d_variance",
  covarPop("t19"."x", "t19"."y") AS "xy",
  covarPop("t19"."y", "t19"."d") AS "yd",
  covarPop("t19"."x", "t19"."d") AS "xd"
FROM (
  SELECT
    "t18"."k" AS "k",
    "t18"."u" AS "u",
    "t18"."rows" AS "rows",
    "t18"."v" AS "v",
    CASE WHEN "t18"."bad" < 0 THEN "t18"."w" ELSE NULL END AS "w",
    "t18"."low_rows" AS "low_rows",
    "t18"."t" AS "t",
    CASE WHEN "t18"."bad" = 0 THEN "t18"."s0" ELSE NULL END AS "s0",
    CASE WHEN "t18"."bad" = 0 THEN "t18"."y" ELSE NULL END AS "y",
    "t18"."lost_y" AS "lost_y",
    CASE WHEN "t18"."bad" = 0 THEN "t18"."x" ELSE NULL END AS "x",
    "t18"."lost_x" AS "lost_x",
    CASE WHEN "t18"."bad" = 0 THEN "t18"."d" ELSE NULL END AS "d",
    "t18"."bad" AS "bad",
    CASE WHEN "t18"."bad" = 0 THEN toDate("t18"."t") ELSE NULL END AS "day"
  FROM (
    SELECT
      "t17"."k" AS "k",
      "t17"."u" AS "u",
      "t17"."rows" AS "rows",
      "t17"."v" AS "v",
      "t17"."w" AS "w",
      "t17"."low_rows" AS "low_rows",
      "t17"."t" AS "t",
      "t17"."s0" AS "s0",
      "t17"."y" AS "y",
      "t17"."lost_y" AS "lost_y",
      "t17"."x" AS "x",
      "t17"."lost_x" AS "lost_x",
      "t17"."d" AS "d",
      CASE
        WHEN CAST(0 AS Nullable(Int16)) IN (0)
        AND (
          "t17"."t" >= parseDateTimeBestEffort('2026-03-08T00:00:00+00:00', 'UTC')
        )
        THEN -2
        WHEN (
          CAST(0 AS Nullable(Int16)) = 0
        ) AND (
          "t17"."v" <> "t17"."w"
        )
        THEN -1
        ELSE CAST(0 AS Nullable(Int16))
      END AS "bad"
    FROM (
      SELECT
        "t16"."k" AS "k",
        "t16"."u" AS "u",
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
        CAST(countIf(
          "t16"."fu",
          (
            "t16"."ft" >= "t16"."t"
          )
          AND (
            "t16"."ft" < (
              "t16"."t" + INTERVAL '604800' SECOND
            )
          )
        ) AS Nullable(Float64)) AS "d"
      FROM (
        SELECT
          "t15"."k" AS "k",
          "t15"."u" AS "u",
          "t15"."rows" AS "rows",
          "t15"."v" AS "v",
          "t15"."w" AS "w",
          "t15"."low_rows" AS "low_rows",
          "t15"."t" AS "t",
          "t15"."s0" AS "s0",
          "t15"."y" AS "y",
          "t15"."lost_y" AS "lost_y",
          "t15"."x" AS "x",
          "t15"."lost_x" AS "lost_x",
          "t15"."bad" AS "bad",
          "t3"."fu" AS "fu",
          "t3"."ft" AS "ft"
        FROM (
          SELECT
            "t13"."k" AS "k",
            "t13"."u" AS "u",
            "t13"."rows" AS "rows",
            "t13"."v" AS "v",
            "t13"."w" AS "w",
            "t13"."low_rows" AS "low_rows",
            "t13"."t" AS "t",
            "t13"."s0" AS "s0",
            "t13"."y" AS "y",
            "t13"."lost_y" AS "lost_y",
            "t13"."x" AS "x",
            "t13"."lost_x" AS "lost_x",
            CAST(0 AS Nullable(Int16)) AS "bad"
          FROM (
            SELECT
              "t12"."k" AS "k",
              "t12"."u" AS "u",
              MIN("t12"."rows") AS "rows",
              MIN("t12"."v") AS "v",
              MIN("t12"."w") AS "w",
              MIN("t12"."low_rows") AS "low_rows",
              MIN("t12"."t") AS "t",
              MIN("t12"."s0") AS "s0",
              COALESCE(
                sumIf(
                  "t12"."fy",
                  (
                    "t12"."ft" >= "t12"."t"
                  )
                  AND (
                    "t12"."ft" < (
                      "t12"."t" + INTERVAL '604800' SECOND
                    )
                  )
                  AND NOT (
                    "t12"."no_y"
                  )
                ),
                0.0
              ) AS "y",
              countIf(
                "t12"."fu",
                (
                  "t12"."ft" >= "t12"."t"
                )
                AND (
                  "t12"."ft" < (
                    "t12"."t" + INTERVAL '604800' SECOND
                  )
                )
                AND "t12"."no_y"
              ) AS "lost_y",
              COALESCE(
                sumIf(
                  "t12"."fx",
                  (
                    "t12"."ft" < "t12"."t"
                  )
                  AND (
                    "t12"."ft" >= (
                      "t12"."t" - INTERVAL '1209600' SECOND
                    )
                  )
                  AND NOT (
                    "t12"."no_x"
                  )
                ),
                0.0
              ) AS "x",
              countIf(
                "t12"."fu",
                (
                  "t12"."ft" < "t12"."t"
                )
                AND (
                  "t12"."ft" >= (
                    "t12"."t" - INTERVAL '1209600' SECOND
                  )
                )
                AND "t12"."no_x"
              ) AS "lost_x"
            FROM (
              SELECT
                "t11"."k" AS "k",
                "t11"."u" AS "u",
                "t11"."rows" AS "rows",
                "t11"."v" AS "v",
                "t11"."w" AS "w",
                "t11"."low_rows" AS "low_rows",
                "t11"."t" AS "t",
                "t11"."s0" AS "s0",
                "t11"."bad" AS "bad",
                "t5"."fu" AS "fu",
                "t5"."ft" AS "ft",
                "t5"."fy" AS "fy",
                "t5"."no_y" AS "no_y",
                "t5"."fx" AS "fx",
                "t5"."no_x" AS "no_x"
              FROM (
                SELECT
                  "t9"."k" AS "k",
                  "t9"."u" AS "u",
                  "t9"."rows" AS "rows",
                  "t9"."v" AS "v",
                  "t9"."w" AS "w",
                  "t9"."low_rows" AS "low_rows",
                  "t9"."t" AS "t",
                  "t9"."s0" AS "s0",
                  CAST(0 AS Nullable(Int16)) AS "bad"
                FROM (
                  SELECT
                    "t8"."k" AS "k",
                    "t8"."u" AS "u",
                    COUNT(*) AS "rows",
                    MIN("t8"."v") AS "v",
                    MAX("t8"."v") AS "w",
                    SUM(CASE WHEN (
                      "t8"."v" % 100000
                    ) = 0 THEN 1 ELSE 0 END) AS "low_rows",
                    MIN("t8"."t") AS "t",
                    argMin(tuple("t8"."s0"), tuple("t8"."t", "t8"."s0")).1 AS "s0"
                  FROM (
                    SELECT
                      "t7"."u" AS "u",
                      "t7"."v" AS "v",
                      "t7"."t" AS "t",
                      "t7"."s0" AS "s0",
                      "t7"."bad" AS "bad",
                      CAST(CAST(FLOOR((
                        "t7"."v"
                      ) / (
                        100000
                      )) AS Nullable(Int64)) AS Nullable(Int32)) AS "k"
                    FROM (
                      SELECT
                        "t6"."u" AS "u",
                        CASE
                          WHEN "t6"."v" = 'candidate'
                          THEN 0
                          WHEN "t6"."v" = 'control'
                          THEN 1
                          WHEN "t6"."v" = 'B'
                          THEN 100000
                          WHEN "t6"."v" = 'x'
                          THEN 200000
                          ELSE CAST(NULL AS Nullable(Int32))
                        END AS "v",
                        "t6"."t" AS "t",
                        "t6"."s0" AS "s0",
                        "t6"."bad" AS "bad"
                      FROM (
                        SELECT
                          "t1"."user_id" AS "u",
                          CASE
                            WHEN nullIf("t1"."variation", '') = 'B'
                            THEN 'candidate'
                            ELSE nullIf("t1"."variation", '')
                          END AS "v",
                          toTimeZone(CAST("t1"."ts" AS Nullable(DateTime64(6, 'UTC'))), 'UTC') AS "t",
                          COALESCE(nullIf("t1"."plan", ''), '(empty)') AS "s0",
                          CAST(CASE
                            WHEN isNull("t1"."user_id")
                            THEN 1
                            WHEN isNull(
                              CASE
                                WHEN nullIf("t1"."variation", '') = 'B'
                                THEN 'candidate'
                                ELSE nullIf("t1"."variation", '')
                              END
                            )
                            THEN 2
                            WHEN isNull(toTimeZone(CAST("t1"."ts" AS Nullable(DateTime64(6, 'UTC'))), 'UTC'))
                            THEN 3
                            WHEN (
                              toTimeZone(CAST("t1"."ts" AS Nullable(DateTime64(6, 'UTC'))), 'UTC') < parseDateTimeBestEffort('1970-01-01T00:00:00+00:00', 'UTC')
                            )
                            OR (
                              toTimeZone(CAST("t1"."ts" AS Nullable(DateTime64(6, 'UTC'))), 'UTC') >= parseDateTimeBestEffort('2200-01-01T00:00:00+00:00', 'UTC')
                            )
                            THEN 4
                            ELSE 0
                          END AS Nullable(Int16)) AS "bad"
                        FROM "exposures" AS "t1"
                      ) AS "t6"
                    ) AS "t7"
                    WHERE
                      "t7"."bad" = 0
                  ) AS "t8"
                  GROUP BY
                    "t8"."k",
                    "t8"."u"
                ) AS "t9"
              ) AS "t11"
              LEFT OUTER JOIN (
                SELECT
                  "t0"."user_id" AS "fu",
                  toTimeZone(CAST("t0"."ts" AS Nullable(DateTime64(6, 'UTC'))), 'UTC') AS "ft",
                  "t0"."amount" AS "fy",
                  isNull("t0"."amount")
                  OR COALESCE(
                    isNaN("t0"."amount")
                    OR isInfinite("t0"."amount")
                    OR (
                      ABS("t0"."amount") > 1.7976931348623157e+308
                    ),
                    FALSE
                  ) AS "no_y",
                  "t0"."amount" AS "fx",
                  isNull("t0"."amount")
                  OR COALESCE(
                    isNaN("t0"."amount")
                    OR isInfinite("t0"."amount")
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
                  "t11"."t" - INTERVAL '1209600' SECOND
                )
                AND "t5"."ft" < (
                  "t11"."t" + INTERVAL '604800' SECOND
                )
            ) AS "t12"
            GROUP BY
              "t12"."k",
              "t12"."u"
          ) AS "t13"
        ) AS "t15"
        LEFT OUTER JOIN (
          SELECT
            "t0"."user_id" AS "fu",
            toTimeZone(CAST("t0"."ts" AS Nullable(DateTime64(6, 'UTC'))), 'UTC') AS "ft"
          FROM "orders" AS "t0"
        ) AS "t3"
          ON "t15"."u" = "t3"."fu"
          AND "t3"."ft" >= "t15"."t"
          AND "t3"."ft" < (
            "t15"."t" + INTERVAL '604800' SECOND
          )
      ) AS "t16"
      GROUP BY
        "t16"."k",
        "t16"."u"
    ) AS "t17"
  ) AS "t18"
) AS "t19"
GROUP BY
  "t19"."bad",
  "t19"."v",
  "t19"."w",
  "t19"."s0",
  "t19"."day"
