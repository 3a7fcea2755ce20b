namespace Diffusion.Data;

/// <summary>A disc of radius 1 with a round hole in its middle, or none.</summary>
internal sealed class DiscOutline(double hole) : ShapeOutline(Math.PI * (1 - hole * hole), 0, 0, 1)
{
    private readonly float _hole = (float)hole;

    protected override float OwnDistance(float x, float y)
    {
        var r = Length(x, y);
        return _hole > 0 ? MathF.Max(r - 1, _hole - r) : r - 1;
    }
}

/// <summary>The upper half of the disc of radius 1.</summary>
internal sealed class HalfDiscOutline() : ShapeOutline(Math.PI / 2, 0, -Centroid, Math.Sqrt(1 + Centroid * Centroid))
{
    private const double Centroid = 4 / (3 * Math.PI);

    protected override float OwnDistance(float x, float y)
    {
        if (y <= 0) return MathF.Max(Length(x, y) - 1, y);
        return Length(MathF.Max(MathF.Abs(x) - 1, 0), y); // below: the flat side from −1 to 1 is nearest
    }
}

/// <summary>The disc of radius 1 without the disc of radius <c>bite</c> at (<c>shift</c>, 0).</summary>
internal sealed class CrescentOutline : ShapeOutline
{
    private readonly float _shift;
    private readonly float _bite;

    public CrescentOutline(double shift, double bite) : this(Measures(shift, bite)) => (_shift, _bite) = ((float)shift, (float)bite);

    private CrescentOutline((double Area, double CentroidX, double Reach) own) : base(own.Area, own.CentroidX, 0, own.Reach)
    {
    }

    protected override float OwnDistance(float x, float y) => MathF.Max(Length(x, y) - 1, _bite - Length(x - _shift, y));

    private static (double Area, double CentroidX, double Reach) Measures(double shift, double bite)
    {
        // What is bitten off is two circular segments on the chord through the tips, at x = chord.
        var chord = (shift * shift + 1 - bite * bite) / (2 * shift);
        var tip = Math.Sqrt(1 - chord * chord);
        var right = Math.Acos(chord);                   // half-angle of the segment of the large disc
        var left = Math.Acos((shift - chord) / bite);   // and of the small one
        // A segment of radius r and half-angle a has area r²(a − sin a cos a) and moment ⅔r³sin³a about its centre.
        var rightArea = right - Math.Sin(right) * Math.Cos(right);
        var leftArea = bite * bite * (left - Math.Sin(left) * Math.Cos(left));
        var moment = 2.0 / 3 * Math.Pow(Math.Sin(right), 3) + shift * leftArea - 2.0 / 3 * Math.Pow(bite * Math.Sin(left), 3);
        var area = Math.PI - rightArea - leftArea;
        var centroid = -moment / area;
        return (area, centroid, Math.Sqrt(Math.Pow(chord - centroid, 2) + tip * tip)); // the tips are farthest
    }
}

/// <summary>A square of side 1 standing on a corner, with half a disc on each of its two upper sides.</summary>
internal sealed class HeartOutline() : ShapeOutline(1 + Math.PI / 4, 0, -CentroidUp, Diagonal / 2 + CentroidUp)
{
    private const double Diagonal = 1.4142135623730951;
    private const float Side = 0.70710678f; // cos 45°

    // Each half disc has area π/8 and its centroid at 1/2 + 2/(3π) along a normal that rises at 45°.
    private const double CentroidUp = 2 * (Math.PI / 8) * (0.5 + 2 / (3 * Math.PI)) * (Diagonal / 2) / (1 + Math.PI / 4);

    protected override float OwnDistance(float x, float y)
    {
        x = MathF.Abs(x);
        var (along, across) = (MathF.Abs(x - y) * Side - 0.5f, MathF.Abs(x + y) * Side - 0.5f); // beyond the square's sides
        var square = Length(MathF.Max(along, 0), MathF.Max(across, 0)) + MathF.Min(MathF.Max(along, across), 0);
        var disc = Length(x - Side / 2, y + Side / 2) - 0.5f;
        return MathF.Min(square, disc);
    }
}
