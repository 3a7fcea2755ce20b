using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using Xunit;

namespace Diffusion.Tests.Design;

/// <summary>
/// Walks the public surface with bad arguments: every constructor, method and property setter is called once for every parameter with null (where
/// it may not be), NaN, infinity, a negative number, an empty string or a tensor of a wrong kind, the others being plausible. A null must be refused
/// by name; anything else may be accepted, but no call may fail in another way than by an exception that is meant for its caller.
/// </summary>
public class PublicSurfaceTests
{
    public static TheoryData<string> PublicTypes() =>
        [.. Libraries.SelectMany(library => library.GetExportedTypes()).Where(type => !type.IsEnum && !type.IsInterface && !typeof(Delegate).IsAssignableFrom(type) && !typeof(Exception).IsAssignableFrom(type) && !type.IsGenericTypeDefinition).Select(type => type.FullName!)];

    /// <summary>What only a run or a finished file can make; their own tests give them bad arguments.</summary>
    private static readonly string[] MadeByRuns =
    [
        "BoundTerms", "CombinedProgress", "FlowDensity", "ImageFolderDataSet", "LoggerProgress", "PairFileDataSet", "PostHocAverages", "SamplerRun", "SamplerStep", "ShardedSafetensors", "StepCarry", "StepRecord",
    ];

    private static readonly Type[] Lists = [typeof(IReadOnlyList<>), typeof(IReadOnlyCollection<>), typeof(IEnumerable<>)];

    private static readonly Assembly[] Libraries = [typeof(Sampler).Assembly, typeof(Diffusion.Imaging.ImageFile).Assembly];

    [Theory]
    [MemberData(nameof(PublicTypes))]
    public void BadArgumentsAreRefusedInWords(string typeName)
    {
        var type = Libraries.Select(library => library.GetType(typeName)).First(found => found is not null)!;
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var values = new PlausibleValues(folder.Path);
        var faults = new List<string>();
        foreach (var constructor in type.IsAbstract ? [] : type.GetConstructors()) Walk(type, constructor, null, values, faults);
        foreach (var method in type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.DeclaredOnly)) Walk(type, method, null, values, faults);
        foreach (var method in type.GetMethods(BindingFlags.Instance | BindingFlags.Public | BindingFlags.DeclaredOnly))
        {
            // A fresh object for every method: some dispose, some change.
            if (IsOfEveryObject(method)) continue;
            if (!values.TryMake(type, out var target) || target is null)
            {
                if (method.GetParameters().Length > 0 && !MadeByRuns.Contains(type.Name)) faults.Add($"{type.Name}.{method.Name} is not walked: there is no {type.Name}.");
                continue;
            }

            Walk(type, method, target, values, faults);
            (target as IDisposable)?.Dispose();
        }

        Assert.True(faults.Count == 0, string.Join(Environment.NewLine, faults));
    }

    private static bool IsOfEveryObject(MethodInfo method) =>
        method.Name is "Equals" or "GetHashCode" or "ToString" or "Deconstruct" or "PrintMembers" or "<Clone>$" or "GetEnumerator" || method.Name.StartsWith("op_", StringComparison.Ordinal);

    private static void Walk(Type type, MethodBase method, object? target, PlausibleValues values, List<string> faults)
    {
        var parameters = method.GetParameters();
        if (method.ContainsGenericParameters || parameters.Any(p => p.ParameterType.IsByRef || p.ParameterType.IsByRefLike || p.ParameterType.IsPointer)) return;
        for (var bad = 0; bad < parameters.Length; bad++)
            foreach (var value in BadValues(parameters[bad]))
            {
                var arguments = new object?[parameters.Length];
                if (!parameters.Select((p, i) => i == bad || values.TryMake(p, out arguments[i])).All(made => made))
                {
                    if (!MadeByRuns.Contains(type.Name)) faults.Add($"{type.Name}.{method.Name} is not walked: no value for another parameter than {parameters[bad].Name}.");
                    break;
                }
                arguments[bad] = value;
                var call = $"{type.Name}.{method.Name}({parameters[bad].Name}: {Describe(value)})";
                try
                {
                    (method is ConstructorInfo constructor ? constructor.Invoke(arguments) : method.Invoke(target, arguments)).Discard();
                    if (value is null) faults.Add($"{call} accepted null.");
                }
                catch (TargetInvocationException wrapped) when (wrapped.InnerException is { } error)
                {
                    if (IsOfTheStandIn(value, error)) continue;
                    if (!IsMeantForTheCaller(error)) faults.Add($"{call} threw {error.GetType().Name}: {error.Message.Split('\n')[0]}");
                    else if (value is null && error is not ArgumentException) faults.Add($"{call} answered null with {error.GetType().Name}: {error.Message}");
                    else if (string.IsNullOrWhiteSpace(error.Message)) faults.Add($"{call} threw without a word.");
                    else if (IsNumber(value) && error is ArgumentException argument && argument.ParamName == parameters[bad].Name && !Names(error, value!)) faults.Add($"{call} does not say what was given: {error.Message}");
                }
            }
    }

    private static bool IsMeantForTheCaller(Exception error) =>
        error is ArgumentException or InvalidOperationException or InvalidDataException or NotSupportedException or IOException or UnauthorizedAccessException or OperationCanceledException or KeyNotFoundException
        || error.GetType().Namespace?.StartsWith("Diffusion", StringComparison.Ordinal) == true;

    private static string Describe(object? value) => value switch
    {
        null => "null",
        Tensor { IsInvalid: true } => "a disposed tensor",
        Array { Length: 0 } => "nothing in it",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };

    // The meta device stands in for a wrong one. What only it cannot do, a real device can: it has no numbers, and lacks some operations.
    private static bool IsOfTheStandIn(object? value, Exception error) =>
        value is Tensor { IsInvalid: false, device_type: DeviceType.META } && error is ExternalException && !error.Message.StartsWith("Expected all tensors to be on the same device", StringComparison.Ordinal);

    private static bool IsNumber(object? value) => value is double or float or int or long or TimeSpan;

    private static bool Names(Exception error, object value) =>
        (error as ArgumentOutOfRangeException)?.ActualValue?.Equals(value) == true || error.Message.Contains(Convert.ToString(value, CultureInfo.InvariantCulture)!, StringComparison.Ordinal)
        || error.Message.Contains(value.ToString()!, StringComparison.Ordinal);

    private static IEnumerable<object?> BadValues(ParameterInfo parameter)
    {
        var type = parameter.ParameterType;
        if (!type.IsValueType && new NullabilityInfoContext().Create(parameter).WriteState == NullabilityState.NotNull) yield return null;
        if (type == typeof(double)) foreach (var number in new[] { double.NaN, double.PositiveInfinity, double.NegativeInfinity, -1, 0 }) yield return number;
        if (type == typeof(float)) foreach (var number in new[] { float.NaN, float.PositiveInfinity, float.NegativeInfinity, -1f }) yield return number;
        if (type == typeof(int)) foreach (var number in new[] { int.MinValue, -1, 0 }) yield return number;
        if (type == typeof(long)) foreach (var number in new[] { long.MinValue, -1L, 0L }) yield return number;
        if (type == typeof(TimeSpan)) foreach (var time in new[] { TimeSpan.Zero, TimeSpan.FromSeconds(-1) }) yield return time;
        if (type == typeof(string)) foreach (var text in new[] { "", "no such thing" }) yield return text;
        if (type == typeof(Tensor)) foreach (var tensor in new[] { zeros([], int64), zeros(2, 0, 3), ones([7, 5, 3, 2, 2]), ones([3], ScalarType.Bool), zeros([2, 3, 8, 8], ScalarType.ComplexFloat32), Disposed(), zeros([2, 3, 8, 8], device: META) }) yield return tensor;
        if (type.IsEnum) yield return Enum.ToObject(type, 99);
        if (type.IsArray) yield return Array.CreateInstance(type.GetElementType()!, new int[type.GetArrayRank()]);
        if (type.IsGenericType && Lists.Contains(type.GetGenericTypeDefinition()))
        {
            var element = type.GetGenericArguments()[0];
            yield return Array.CreateInstance(element, 0);
            if (element.IsClass) yield return Array.CreateInstance(element, 2); // of nulls
        }
    }

    private static Tensor Disposed()
    {
        var tensor = zeros(2, 3, 8, 8);
        tensor.Dispose();
        return tensor;
    }
}
