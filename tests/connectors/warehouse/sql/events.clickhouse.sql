WITH "t10" AS (
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
      countIf((
        "t8"."v" % 100000
      ) = 0) AS "low_rows",
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
          "t5"."u" AS "u",
          CASE
            WHEN "t5"."v" = 'candidate'
            THEN 0
            WHEN "t5"."v" = 'control'
            THEN 1
            WHEN "t5"."v" = 'B'
            THEN 100000
            WHEN "t5"."v" = 'x'
            THEN 200000
            ELSE CAST(NULL AS Nullable(Int32))
          END AS "v",
          "t5"."t" AS "t",
          "t5"."s0" AS "s0",
          "t5"."bad" AS "bad"
        FROM (
          SELECT
            "t0"."user_id" AS "u",
            CASE
              WHEN nullIf("t0"."variation", '') = 'B'
              THEN 'candidate'
              ELSE nullIf("t0"."variation", '')
            END AS "v",
            toTimeZone(CAST("t0"."ts" AS Nullable(DateTime64(6, 'UTC'))), 'UTC') AS "t",
            COALESCE(nullIf("t0"."plan", ''), '(empty)') AS "s0",
            CAST(CASE
              WHEN isNull("t0"."user_id")
              THEN 1
              WHEN isNull(
                CASE
                  WHEN nullIf("t0"."variation", '') = 'B'
                  THEN 'candidate'
                  ELSE nullIf("t0"."variation", '')
                END
              )
              THEN 2
              WHEN isNull(toTimeZone(CAST("t0"."ts" AS Nullable(DateTime64(6, 'UTC'))), 'UTC'))
              THEN 3
              WHEN (
                toTimeZone(CAST("t0"."ts" AS Nullable(DateTime64(6, 'UTC'))), 'UTC') < parseDateTimeBestEffort('1970-01-01T00:00:00+00:00', 'UTC')
              )
              OR (
                toTimeZone(CAST("t0"."ts" AS Nullable(DateTime64(6, 'UTC'))), 'UTC') >= parseDateTimeBestEffort('2200-01-01T00:00:00+00:00', 'UTC')
              )
              THEN 4
              ELSE 0
            END AS Nullable(Int16)) AS "bad"
          FROM "exposures" AS "t0"
        ) AS "t5"
      ) AS "t7"
      WHERE
        "t7"."bad" = 0
    ) AS "t8"
    GROUP BY
      "t8"."k",
      "t8"."u"
  ) AS "t9"
)
SELECT
  "t29"."bad" AS "bad",
  "t29"."v" AS "v",
  "t29"."w" AS "w",
  "t29"."s0" AS "s0",
  "t29"."day" AS "day",
  COUNT(*) AS "units",
  SUM("t29"."rows") AS "rows",
  SUM("t29"."low_rows") AS "low_rows",
  SUM("t29"."lost_y") AS "lost_y",
  SUM("t29"."lost_x") AS "lost_x",
  AVG("t29"."y") AS "mean",
  varPopStable("t29"."y") AS "variance",
  MIN("t29"."y") AS "least",
  MAX("t29"."y") AS "most",
  SUM("t29"."y" * "t29"."y" * "t29"."y") AS "cubes",
  MIN((
    "t29"."y" = 0
  ) OR (
    "t29"."y" = 1
  )) AS "zero_one",
  AVG("t29"."x") AS "x_mean",
  varPopStable("t29"."x") AS "x_variance",
  AVG("t29"."d") AS "d_mean",
  varPopStable("t29"."d") AS "d_variance",
  covarPopStable("t29"."x", "t29"."y") AS "xy",
  covarPopStable("t29"."y", "t29"."d") AS "yd",
  covarPopStable("t29"."x", "t29"."d") AS "xd"
FROM (
  SELECT
    "t28"."k" AS "k",
    "t28"."u" AS "u",
    "t28"."rows" AS "rows",
    "t28"."v" AS "v",
    CASE WHEN "t28"."bad" < 0 THEN "t28"."w" ELSE NULL END AS "w",
    "t28"."low_rows" AS "low_rows",
    "t28"."t" AS "t",
    CASE WHEN "t28"."bad" = 0 THEN "t28"."s0" ELSE NULL END AS "s0",
    "t28"."bad" AS "bad",
    CASE WHEN "t28"."bad" = 0 THEN "t28"."y" ELSE NULL END AS "y",
    "t28"."lost_y" AS "lost_y",
    CASE WHEN "t28"."bad" = 0 THEN "t28"."x" ELSE NULL END AS "x",
    "t28"."lost_x" AS "lost_x",
    CASE WHEN "t28"."bad" = 0 THEN "t28"."d" ELSE NULL END AS "d",
    CASE WHEN "t28"."bad" = 0 THEN toDate("t28"."t") ELSE NULL END AS "day"
  FROM (
    SELECT
      "t27"."k" AS "k",
      "t27"."u" AS "u",
      "t27"."rows" AS "rows",
      "t27"."v" AS "v",
      "t27"."w" AS "w",
      "t27"."low_rows" AS "low_rows",
      "t27"."t" AS "t",
      "t27"."s0" AS "s0",
      CASE
        WHEN "t27"."bad" IN (0)
        AND (
          "t27"."t" >= parseDateTimeBestEffort('2026-03-08T00:00:00+00:00', 'UTC')
        )
        THEN -2
        WHEN (
          "t27"."bad" = 0
        ) AND (
          "t27"."v" <> "t27"."w"
        )
        THEN -1
        ELSE "t27"."bad"
      END AS "bad",
      "t27"."y" AS "y",
      "t27"."lost_y" AS "lost_y",
      "t27"."x" AS "x",
      "t27"."lost_x" AS "lost_x",
      "t27"."d" AS "d"
    FROM (
      SELECT
        "t12"."k" AS "k",
        "t12"."u" AS "u",
        "t12"."rows" AS "rows",
        "t12"."v" AS "v",
        "t12"."w" AS "w",
        "t12"."low_rows" AS "low_rows",
        "t12"."t" AS "t",
        "t12"."s0" AS "s0",
        "t12"."bad" AS "bad",
        COALESCE("t25"."y", 0) AS "y",
        COALESCE("t25"."lost_y", 0) AS "lost_y",
        COALESCE("t25"."x", 0) AS "x",
        COALESCE("t25"."lost_x", 0) AS "lost_x",
        COALESCE("t26"."d", 0) AS "d"
      FROM "t10" AS "t12"
      LEFT OUTER JOIN (
        SELECT
          "t21"."k" AS "k",
          "t21"."u" AS "u",
          sumIf(
            "t21"."fy",
            (
              "t21"."ft" >= "t21"."t"
            )
            AND (
              "t21"."ft" < (
                "t21"."t" + INTERVAL '604800' SECOND
              )
            )
            AND NOT (
              "t21"."no_y"
            )
          ) AS "y",
          countIf(
            "t21"."u",
            (
              "t21"."ft" >= "t21"."t"
            )
            AND (
              "t21"."ft" < (
                "t21"."t" + INTERVAL '604800' SECOND
              )
            )
            AND "t21"."no_y"
          ) AS "lost_y",
          sumIf(
            "t21"."fx",
            (
              "t21"."ft" < "t21"."t"
            )
            AND (
              "t21"."ft" >= (
                "t21"."t" - INTERVAL '1209600' SECOND
              )
            )
            AND NOT (
              "t21"."no_x"
            )
          ) AS "x",
          countIf(
            "t21"."u",
            (
              "t21"."ft" < "t21"."t"
            )
            AND (
              "t21"."ft" >= (
                "t21"."t" - INTERVAL '1209600' SECOND
              )
            )
            AND "t21"."no_x"
          ) AS "lost_x"
        FROM (
          SELECT
            *
          FROM (
            SELECT
              "t6"."u" AS "u",
              "t6"."ft" AS "ft",
              "t6"."fy" AS "fy",
              "t6"."no_y" AS "no_y",
              "t6"."fx" AS "fx",
              "t6"."no_x" AS "no_x",
              "t17"."k" AS "k",
              "t17"."t" AS "t"
            FROM (
              SELECT
                "t1"."user_id" AS "u",
                toTimeZone(CAST("t1"."ts" AS Nullable(DateTime64(6, 'UTC'))), 'UTC') AS "ft",
                "t1"."amount" AS "fy",
                isNull("t1"."amount")
                OR COALESCE(
                  isNaN("t1"."amount")
                  OR isInfinite("t1"."amount")
                  OR (
                    ABS("t1"."amount") > 1.7976931348623157e+308
                  ),
                  FALSE
                ) AS "no_y",
                "t1"."amount" AS "fx",
                isNull("t1"."amount")
                OR COALESCE(
                  isNaN("t1"."amount")
                  OR isInfinite("t1"."amount")
                  OR (
                    ABS("t1"."amount") > 1.7976931348623157e+308
                  ),
                  FALSE
                ) AS "no_x"
              FROM "orders" AS "t1"
              WHERE
                (
                  "t1"."event" = 'paid'
                ) OR (
                  "t1"."event" = 'renewed'
                )
            ) AS "t6"
            INNER JOIN (
              SELECT
                "t13"."k" AS "k",
                "t13"."u" AS "u",
                "t13"."t" AS "t"
              FROM "t10" AS "t13"
            ) AS "t17"
              ON "t6"."u" = "t17"."u"
          ) AS "t19"
          WHERE
            "t19"."ft" >= (
              "t19"."t" - INTERVAL '1209600' SECOND
            )
            AND "t19"."ft" < (
              "t19"."t" + INTERVAL '604800' SECOND
            )
        ) AS "t21"
        GROUP BY
          "t21"."k",
          "t21"."u"
      ) AS "t25"
        ON "t12"."k" = "t25"."k" AND "t12"."u" = "t25"."u"
      LEFT OUTER JOIN (
        SELECT
          "t22"."k" AS "k",
          "t22"."u" AS "u",
          CAST(countIf(
            "t22"."u",
            (
              "t22"."ft" >= "t22"."t"
            )
            AND (
              "t22"."ft" < (
                "t22"."t" + INTERVAL '604800' SECOND
              )
            )
          ) AS Nullable(Float64)) AS "d"
        FROM (
          SELECT
            *
          FROM (
            SELECT
              "t3"."u" AS "u",
              "t3"."ft" AS "ft",
              "t18"."k" AS "k",
              "t18"."t" AS "t"
            FROM (
              SELECT
                "t1"."user_id" AS "u",
                toTimeZone(CAST("t1"."ts" AS Nullable(DateTime64(6, 'UTC'))), 'UTC') AS "ft"
              FROM "orders" AS "t1"
            ) AS "t3"
            INNER JOIN (
              SELECT
                "t14"."k" AS "k",
                "t14"."u" AS "u",
                "t14"."t" AS "t"
              FROM "t10" AS "t14"
            ) AS "t18"
              ON "t3"."u" = "t18"."u"
          ) AS "t20"
          WHERE
            "t20"."ft" >= "t20"."t"
            AND "t20"."ft" < (
              "t20"."t" + INTERVAL '604800' SECOND
            )
        ) AS "t22"
        GROUP BY
          "t22"."k",
          "t22"."u"
      ) AS "t26"
        ON "t12"."k" = "t26"."k" AND "t12"."u" = "t26"."u"
    ) AS "t27"
  ) AS "t28"
) AS "t29"
GROUP BY
  "t29"."bad",
  "t29"."v",
  "t29"."w",
  "t29"."s0",
  "t29"."day"
