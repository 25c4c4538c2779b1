WITH `t10` AS (
  SELECT
    `t9`.`k`,
    `t9`.`u`,
    `t9`.`rows`,
    `t9`.`v`,
    `t9`.`w`,
    `t9`.`low_rows`,
    `t9`.`t`,
    `t9`.`s0`,
    CAST(0 AS SMALLINT) AS `bad`
  FROM (
    SELECT
      `t8`.`k`,
      `t8`.`u`,
      COUNT(*) AS `rows`,
      MIN(`t8`.`v`) AS `v`,
      MAX(`t8`.`v`) AS `w`,
      SUM(CAST((
        `t8`.`v` % 100000
      ) = 0 AS BIGINT)) AS `low_rows`,
      MIN(`t8`.`t`) AS `t`,
      MIN_BY(`t8`.`s0`, STRUCT(`t8`.`t` AS `t`, `t8`.`s0` AS `s0`)) AS `s0`
    FROM (
      SELECT
        `t7`.`u`,
        `t7`.`v`,
        `t7`.`t`,
        `t7`.`s0`,
        `t7`.`bad`,
        CAST(CAST(FLOOR((
          `t7`.`v`
        ) / (
          100000
        )) AS BIGINT) AS INT) AS `k`
      FROM (
        SELECT
          `t5`.`u`,
          CASE
            WHEN `t5`.`v` = 'candidate'
            THEN 0
            WHEN `t5`.`v` = 'control'
            THEN 1
            WHEN `t5`.`v` = 'B'
            THEN 100000
            WHEN `t5`.`v` = 'x'
            THEN 200000
            ELSE CAST(NULL AS INT)
          END AS `v`,
          `t5`.`t`,
          `t5`.`s0`,
          `t5`.`bad`
        FROM (
          SELECT
            `t0`.`user_id` AS `u`,
            CASE
              WHEN NULLIF(`t0`.`variation`, '') = 'B'
              THEN 'candidate'
              ELSE NULLIF(`t0`.`variation`, '')
            END AS `v`,
            CAST(`t0`.`ts` AS TIMESTAMP) AS `t`,
            COALESCE(NULLIF(`t0`.`plan`, ''), '(empty)') AS `s0`,
            CAST(CASE
              WHEN `t0`.`user_id` IS NULL
              THEN 1
              WHEN CASE
                WHEN NULLIF(`t0`.`variation`, '') = 'B'
                THEN 'candidate'
                ELSE NULLIF(`t0`.`variation`, '')
              END IS NULL
              THEN 2
              WHEN CAST(`t0`.`ts` AS TIMESTAMP) IS NULL
              THEN 3
              WHEN (
                CAST(`t0`.`ts` AS TIMESTAMP) < CAST('1970-01-01T00:00:00' AS TIMESTAMP)
              )
              OR (
                CAST(`t0`.`ts` AS TIMESTAMP) >= CAST('2200-01-01T00:00:00' AS TIMESTAMP)
              )
              THEN 4
              ELSE 0
            END AS SMALLINT) AS `bad`
          FROM `exposures` AS `t0`
        ) AS `t5`
      ) AS `t7`
      WHERE
        `t7`.`bad` = 0
    ) AS `t8`
    GROUP BY
      1,
      2
  ) AS `t9`
)
SELECT
  `t29`.`bad`,
  `t29`.`v`,
  `t29`.`w`,
  `t29`.`s0`,
  `t29`.`day`,
  COUNT(*) AS `units`,
  SUM(`t29`.`rows`) AS `rows`,
  SUM(`t29`.`low_rows`) AS `low_rows`,
  SUM(`t29`.`lost_y`) AS `lost_y`,
  SUM(`t29`.`lost_x`) AS `lost_x`,
  AVG(`t29`.`y`) AS `mean`,
  VAR_POP(`t29`.`y`) AS `variance`,
  MIN(`t29`.`y`) AS `least`,
  MAX(`t29`.`y`) AS `most`,
  SUM(`t29`.`y` * `t29`.`y` * `t29`.`y`) AS `cubes`,
  BOOL_AND((
    `t29`.`y` = 0
  ) OR (
    `t29`.`y` = 1
  )) AS `zero_one`,
  AVG(`t29`.`x`) AS `x_mean`,
  VAR_POP(`t29`.`x`) AS `x_variance`,
  AVG(`t29`.`d`) AS `d_mean`,
  VAR_POP(`t29`.`d`) AS `d_variance`,
  COVAR_POP(`t29`.`x`, `t29`.`y`) AS `xy`,
  COVAR_POP(`t29`.`y`, `t29`.`d`) AS `yd`,
  COVAR_POP(`t29`.`x`, `t29`.`d`) AS `xd`
FROM (
  SELECT
    `t28`.`k`,
    `t28`.`u`,
    `t28`.`rows`,
    `t28`.`v`,
    IF(`t28`.`bad` < 0, `t28`.`w`, NULL) AS `w`,
    `t28`.`low_rows`,
    `t28`.`t`,
    IF(`t28`.`bad` = 0, `t28`.`s0`, NULL) AS `s0`,
    `t28`.`bad`,
    IF(`t28`.`bad` = 0, `t28`.`y`, NULL) AS `y`,
    `t28`.`lost_y`,
    IF(`t28`.`bad` = 0, `t28`.`x`, NULL) AS `x`,
    `t28`.`lost_x`,
    IF(`t28`.`bad` = 0, `t28`.`d`, NULL) AS `d`,
    IF(`t28`.`bad` = 0, CAST(`t28`.`t` AS DATE), NULL) AS `day`
  FROM (
    SELECT
      `t27`.`k`,
      `t27`.`u`,
      `t27`.`rows`,
      `t27`.`v`,
      `t27`.`w`,
      `t27`.`low_rows`,
      `t27`.`t`,
      `t27`.`s0`,
      CASE
        WHEN `t27`.`bad` IN (0)
        AND (
          `t27`.`t` >= CAST('2026-03-08T00:00:00' AS TIMESTAMP)
        )
        THEN -2
        WHEN (
          `t27`.`bad` = 0
        ) AND (
          `t27`.`v` <> `t27`.`w`
        )
        THEN -1
        ELSE `t27`.`bad`
      END AS `bad`,
      `t27`.`y`,
      `t27`.`lost_y`,
      `t27`.`x`,
      `t27`.`lost_x`,
      `t27`.`d`
    FROM (
      SELECT
        `t12`.`k`,
        `t12`.`u`,
        `t12`.`rows`,
        `t12`.`v`,
        `t12`.`w`,
        `t12`.`low_rows`,
        `t12`.`t`,
        `t12`.`s0`,
        `t12`.`bad`,
        COALESCE(`t25`.`y`, 0) AS `y`,
        COALESCE(`t25`.`lost_y`, 0) AS `lost_y`,
        COALESCE(`t25`.`x`, 0) AS `x`,
        COALESCE(`t25`.`lost_x`, 0) AS `lost_x`,
        COALESCE(`t26`.`d`, 0) AS `d`
      FROM `t10` AS `t12`
      LEFT OUTER JOIN (
        SELECT
          `t21`.`k`,
          `t21`.`u`,
          SUM(
            IF(
              (
                `t21`.`ft` >= `t21`.`t`
              )
              AND (
                `t21`.`ft` < (
                  `t21`.`t` + INTERVAL '604800' SECOND
                )
              )
              AND NOT (
                `t21`.`no_y`
              ),
              `t21`.`fy`,
              NULL
            )
          ) AS `y`,
          COUNT(
            IF(
              (
                `t21`.`ft` >= `t21`.`t`
              )
              AND (
                `t21`.`ft` < (
                  `t21`.`t` + INTERVAL '604800' SECOND
                )
              )
              AND `t21`.`no_y`,
              `t21`.`u`,
              NULL
            )
          ) AS `lost_y`,
          SUM(
            IF(
              (
                `t21`.`ft` < `t21`.`t`
              )
              AND (
                `t21`.`ft` >= (
                  `t21`.`t` - INTERVAL '1209600' SECOND
                )
              )
              AND NOT (
                `t21`.`no_x`
              ),
              `t21`.`fx`,
              NULL
            )
          ) AS `x`,
          COUNT(
            IF(
              (
                `t21`.`ft` < `t21`.`t`
              )
              AND (
                `t21`.`ft` >= (
                  `t21`.`t` - INTERVAL '1209600' SECOND
                )
              )
              AND `t21`.`no_x`,
              `t21`.`u`,
              NULL
            )
          ) AS `lost_x`
        FROM (
          SELECT
            *
          FROM (
            SELECT
              `t6`.`u`,
              `t6`.`ft`,
              `t6`.`fy`,
              `t6`.`no_y`,
              `t6`.`fx`,
              `t6`.`no_x`,
              `t17`.`k`,
              `t17`.`t`
            FROM (
              SELECT
                `t1`.`user_id` AS `u`,
                CAST(`t1`.`ts` AS TIMESTAMP) AS `ft`,
                `t1`.`amount` AS `fy`,
                `t1`.`amount` IS NULL
                OR ISNAN(`t1`.`amount`)
                OR COALESCE(
                  ISNAN(`t1`.`amount`)
                  OR (
                    FALSE OR FALSE
                  )
                  OR (
                    ABS(`t1`.`amount`) > 1.7976931348623157e+308
                  ),
                  FALSE
                ) AS `no_y`,
                `t1`.`amount` AS `fx`,
                `t1`.`amount` IS NULL
                OR ISNAN(`t1`.`amount`)
                OR COALESCE(
                  ISNAN(`t1`.`amount`)
                  OR (
                    FALSE OR FALSE
                  )
                  OR (
                    ABS(`t1`.`amount`) > 1.7976931348623157e+308
                  ),
                  FALSE
                ) AS `no_x`
              FROM `orders` AS `t1`
              WHERE
                (
                  `t1`.`event` = 'paid'
                ) OR (
                  `t1`.`event` = 'renewed'
                )
            ) AS `t6`
            INNER JOIN (
              SELECT
                `t13`.`k`,
                `t13`.`u`,
                `t13`.`t`
              FROM `t10` AS `t13`
            ) AS `t17`
              ON `t6`.`u` = `t17`.`u`
          ) AS `t19`
          WHERE
            `t19`.`ft` >= (
              `t19`.`t` - INTERVAL '1209600' SECOND
            )
            AND `t19`.`ft` < (
              `t19`.`t` + INTERVAL '604800' SECOND
            )
        ) AS `t21`
        GROUP BY
          1,
          2
      ) AS `t25`
        ON `t12`.`k` = `t25`.`k` AND `t12`.`u` = `t25`.`u`
      LEFT OUTER JOIN (
        SELECT
          `t22`.`k`,
          `t22`.`u`,
          CAST(COUNT(
            IF(
              (
                `t22`.`ft` >= `t22`.`t`
              )
              AND (
                `t22`.`ft` < (
                  `t22`.`t` + INTERVAL '604800' SECOND
                )
              ),
              `t22`.`u`,
              NULL
            )
          ) AS DOUBLE) AS `d`
        FROM (
          SELECT
            *
          FROM (
            SELECT
              `t3`.`u`,
              `t3`.`ft`,
              `t18`.`k`,
              `t18`.`t`
            FROM (
              SELECT
                `t1`.`user_id` AS `u`,
                CAST(`t1`.`ts` AS TIMESTAMP) AS `ft`
              FROM `orders` AS `t1`
            ) AS `t3`
            INNER JOIN (
              SELECT
                `t14`.`k`,
                `t14`.`u`,
                `t14`.`t`
              FROM `t10` AS `t14`
            ) AS `t18`
              ON `t3`.`u` = `t18`.`u`
          ) AS `t20`
          WHERE
            `t20`.`ft` >= `t20`.`t`
            AND `t20`.`ft` < (
              `t20`.`t` + INTERVAL '604800' SECOND
            )
        ) AS `t22`
        GROUP BY
          1,
          2
      ) AS `t26`
        ON `t12`.`k` = `t26`.`k` AND `t12`.`u` = `t26`.`u`
    ) AS `t27`
  ) AS `t28`
) AS `t29`
GROUP BY
  1,
  2,
  3,
  4,
  5
