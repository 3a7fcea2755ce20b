namespace Diffusion.Data;

/// <summary>
/// The outline of a kind of shape as a signed distance: negative inside, positive outside. The centroid is the origin and the
/// farthest point lies at distance 1; x points right and y down.
/// </summary>
internal abstract class ShapeOutline
{
    private static readonly ShapeOutline[] ByKind =
    [
        new DiscOutline(hole: 0),
        PolygonOutline.Regular(corners: 4, firstAngle: Math.PI / 4),
        PolygonOutline.Regular(corners: 3, firstAngle: -Math.PI / 2),
        PolygonOutline.Star(points: 5, inner: 0.46),
        new DiscOutline(hole: 0.55),
        PolygonOutline.Cross(arm: 0.34),
        new CrescentOutline(shift: 0.5, bite: 0.78),
        new HeartOutline(),
        new HalfDiscOutline(),
        PolygonOutline.Rectangle(aspect: 0.34),
    ];

    private readonly float _centroidX;
    private readonly float _centroidY;
    private readonly float _reach;

    // The shape's own units: its area, its centroid, and the distance from there to its farthest point.
    protected ShapeOutline(double area, double centroidX, double centroidY, double reach)
    {
        (_centroidX, _centroidY, _reach) = ((float)centroidX, (float)centroidY, (float)reach);
        Area = area / (reach * reach);
    }

    /// <summary>Area of the shape of radius 1.</summary>
    public double Area { get; }

    public static ShapeOutline Of(ShapeKind kind) => ByKind[(int)kind];

    /// <summary>Signed distance from a point to the outline.</summary>
    public float Distance(float x, float y) => OwnDistance(x * _reach + _centroidX, y * _reach + _centroidY) / _reach;

    /// <summary>The same in the shape's own units and place.</summary>
    protected abstract float OwnDistance(float x, float y);

    protected static float Length(float x, float y) => MathF.Sqrt(x * x + y * y);
}
