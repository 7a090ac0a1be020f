-- Refuses a pair of events of which a click rate would mean nothing.
CREATE OR REPLACE VIEW touchline.visit_pair AS
SELECT
    throwIf({shown:String} = '', 'shown: want the name of an event or kind')
  + throwIf({clicked:String} = '', 'clicked: want the name of an event or kind')
  + throwIf({shown:String} = {clicked:String}, 'clicked: want another than shown')
  = 0 AS ok
